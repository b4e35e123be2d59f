import DeltaCodec
import DeltaProtocol
import RegionCore

/// The network between regions and HQ: it delays, loses, duplicates, reorders and cuts.
extension World {
    /// The longest delay of a copied request, in milliseconds.
    private static let longestDetour: Int64 = 30 * 60_000

    /// Sends a push, in some worlds one shard at a time: each part waits for the answer to the
    /// previous one, and the first carries the outcomes.
    func push(
        _ request: DeltaRequest, to hq: Int, _ question: Int, _ process: NodeProcess, _ index: Int
    ) {
        var parts = [request]
        if options.splitsPushes, request.shards.count > 1 {
            parts = request.shards.map { shard in
                var part = request
                part.shards = [shard]
                return part
            }
            for place in parts.indices.dropFirst() { parts[place].outcomes = [] }
        }
        process.hosts[index].parts[hq] = parts
        pushNext(to: hq, question, process, index)
    }

    func pushNext(to hq: Int, _ question: Int, _ process: NodeProcess, _ index: Int) {
        let part = process.hosts[index].parts[hq].removeFirst()
        transmit(
            .deltas(DeltaCodec.encode(part)), shards: part.shards.count, to: hq, question,
            process, index)
    }

    func transmit(
        _ content: Request.Content, shards: Int = 0, to hq: Int, _ question: Int,
        _ process: NodeProcess, _ index: Int
    ) {
        requests += 1
        let request = Request(
            number: requests, node: process.number, incarnation: process.incarnation,
            host: index, region: process.region, hq: hq, question: question, content: content,
            shards: shards)
        process.hosts[index].waiting[hq] = question
        process.hosts[index].waitingRequest[hq] = requests
        schedule(
            .requestTimeout(
                node: process.number, incarnation: process.incarnation, host: index, hq: hq,
                question: question, request: requests),
            after: options.requestTimeout)
        tally.messages += 1
        if !isHealed, networkRandom.happens(perMille: options.duplicateShare) {
            tally.duplicated += 1
            var copy = request
            copy.isCopy = true
            let detour =
                networkRandom.happens(perMille: 100)
                ? networkRandom.within(0...Self.longestDetour) : delay()
            schedule(.request(copy), after: detour)
        }
        guard isOpen(request, \.up) else { return lose("request", of: process.number) }
        guard !isLost() else {
            probes.hit(.requestLost)
            return lose("request", of: process.number)
        }
        var sent = request
        if case .deltas(let bytes) = content, isTruncated() {
            tally.truncated += 1
            sent.content = .deltas(Array(bytes.prefix(networkRandom.below(bytes.count))))
        }
        schedule(.request(sent), after: delay())
    }

    func answer(_ request: Request, _ content: Reply.Content) {
        // The copy's connection is long gone.
        guard !request.isCopy else { return }
        tally.messages += 1
        guard isOpen(request, \.down) else { return lose("reply", of: request.node) }
        guard !isLost() else {
            probes.hit(.replyLost)
            return lose("reply", of: request.node)
        }
        var sent = content
        if isTruncated() {
            tally.truncated += 1
            switch content {
            case .deltas(let bytes):
                sent = .deltas(Array(bytes.prefix(networkRandom.below(bytes.count + 1))))
            case .statuses(let bytes):
                // A body shorter than announced is refused before its bytes are read.
                sent = bytes.isEmpty ? content : .failure
            case .failure: break
            }
        }
        schedule(.reply(Reply(request: request, content: sent)), after: delay())
    }

    func lose(_ what: StaticString, of node: Int) {
        tally.lost += 1
        trace("lost a \(what) of node-\(node)")
    }

    /// True if a message can pass the link between its region and its HQ in that direction.
    func isOpen(_ request: Request, _ direction: KeyPath<Link, Bool>) -> Bool {
        let link = linkIsOpen[request.region][request.hq]
        guard !link[keyPath: direction] else { return true }
        probes.hit(link.up || link.down ? .linkCutOneWay : .linkCutBothWays)
        return false
    }

    private func isLost() -> Bool {
        !isHealed && networkRandom.happens(perMille: options.lossShare)
    }

    private func isTruncated() -> Bool {
        !isHealed && networkRandom.happens(perMille: options.truncateShare)
    }

    private func delay() -> Int64 {
        1 + networkRandom.wait(mean: isHealed ? min(options.networkWait, 100) : options.networkWait)
    }
}
