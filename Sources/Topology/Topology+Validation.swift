import Addresses
import DeltaProtocol
import Identifiers
import Money

extension Topology {
    /// A sum over this many shards cannot overflow at HQ; see `sumMagnitude` of the contract.
    package static let maximumShards = 1_000
    package static let maximumRegions = 256
    package static let maximumHeadquarters = 8
    /// Bytes of one bucket in a delta request, on the safe side: three sums as variable-length
    /// integers and their place in packed columns (measured 8 with usual amounts).
    package static let bytesPerBucket = 12

    /// The size of a shard that has every minute of every published currency, in bytes. It must fit
    /// one request, since a shard is never split.
    package static func shardBytes(currencies: Int) -> Int {
        currencies * (Limits.retainedMinutes + Limits.futureMinutes) * bytesPerBucket
    }

    /// All problems of the topology itself, in the order of the keys of a topology file. Checks
    /// regions only against each other; `Region.problems` checks single regions.
    package func problems() -> [TopologyProblem] {
        regionProblems() + currencyProblems() + placeProblems()
            + (rates?.problems() ?? []) + thresholdProblems() + paceProblems()
    }

    /// Settings that work but are probably mistakes, with keys as in `problems`: withdrawn
    /// currencies, in which money hardly moves and for which no rates are published.
    package func warnings() -> [TopologyProblem] {
        let lists = [
            ("currencies", currencies), ("unconverted", unconverted),
            ("base_currencies", baseCurrencies),
        ]
        return lists.flatMap { key, list in
            list.enumerated().compactMap { place, currency in
                currency.validTo.map {
                    TopologyProblem(
                        key: "\(key)[\(place)]",
                        expected: "a current code, but \(currency) was withdrawn in \($0)")
                }
            }
        }
    }

    private func regionProblems() -> [TopologyProblem] {
        var problems: [TopologyProblem] = []
        if generation < 1 {
            problems.append(
                TopologyProblem(key: "generation", expected: "an integer of at least 1"))
        }
        if !(1...Self.maximumRegions).contains(regions.count) {
            problems.append(
                TopologyProblem(key: "regions", expected: "1 to \(Self.maximumRegions) regions"))
        }
        for (place, region) in regions.enumerated()
        where regions[..<place].contains(where: { $0.id == region.id }) {
            problems.append(
                TopologyProblem(key: "regions[\(place)]", expected: "each region id once"))
        }
        let partitions = regions.flatMap(\.logs).map { Int($0.partitions ?? 1) }.reduce(0, +)
        if partitions > Self.maximumShards {
            problems.append(
                TopologyProblem(
                    key: "regions",
                    expected: "at most \(Self.maximumShards) partitions over all logs,"
                        + " because sums beyond that could overflow"))
        }
        return problems
    }

    private func currencyProblems() -> [TopologyProblem] {
        var problems: [TopologyProblem] = []
        func report(_ key: String, _ expected: String) {
            problems.append(TopologyProblem(key: key, expected: expected))
        }
        func check(_ key: String, _ list: [Currency], within allowed: [Currency]?, _ rule: String) {
            for (place, currency) in list.enumerated() {
                if list[..<place].contains(currency) {
                    report("\(key)[\(place)]", "each currency once")
                } else if let allowed, !allowed.contains(currency) {
                    report("\(key)[\(place)]", rule)
                }
            }
        }

        if currencies.isEmpty { report("currencies", "at least one currency") }
        if Self.shardBytes(currencies: currencies.count) > Limits.requestBytes {
            let most = Limits.requestBytes / Self.shardBytes(currencies: 1)
            report(
                "currencies",
                "at most \(most) currencies: a shard of more could exceed the"
                    + " \(Limits.requestBytes) bytes of a request")
        }
        check("currencies", currencies, within: nil, "")
        check("unconverted", unconverted, within: currencies, "a currency listed under currencies")
        let bases = currencies.filter { !unconverted.contains($0) }
        if baseCurrencies.isEmpty { report("base_currencies", "at least one currency") }
        check(
            "base_currencies", baseCurrencies, within: bases,
            "a currency listed under currencies that is not unconverted")
        if !baseCurrencies.isEmpty, !baseCurrencies.contains(defaultBase) {
            report("default_base_currency", "a currency listed under base_currencies")
        }
        return problems
    }

    private func placeProblems() -> [TopologyProblem] {
        var problems: [TopologyProblem] = []
        func report(_ key: String, _ expected: String) {
            problems.append(TopologyProblem(key: key, expected: expected))
        }
        if !(1...Self.maximumHeadquarters).contains(headquarters.count) {
            report("hq", "1 to \(Self.maximumHeadquarters) URLs")
        }
        for (place, url) in headquarters.enumerated() where headquarters[..<place].contains(url) {
            report("hq[\(place)]", "each URL once")
        }
        for (place, url) in headquarters.enumerated()
        where !url.isSecure && !url.address.isLoopback {
            report("hq[\(place)]", "an https URL, because the host is not this machine (\(url))")
        }
        if !redis.isLocal {
            report(
                "redis.address",
                "a loopback address or unix:/path, because the connection is not encrypted"
                    + " (\(redis))")
        }
        let named = listeners.named
        for (place, listener) in named.enumerated() {
            if listener.key != "public", !listener.address.isLoopback {
                report(
                    "listeners.\(listener.key)",
                    "a loopback address, because requests to it are not signed yet")
            }
            if named[..<place].contains(where: { $0.address == listener.address }) {
                report("listeners.\(listener.key)", "a port that no other listener uses")
            }
        }
        if idKeyFile.isEmpty { report("id_key_file", "the path of a file") }
        return problems
    }

    private func thresholdProblems() -> [TopologyProblem] {
        var problems: [TopologyProblem] = []
        func report(_ key: String, _ expected: String) {
            problems.append(TopologyProblem(key: "thresholds.\(key)", expected: expected))
        }
        let durations = [
            ("heartbeat", thresholds.heartbeat), ("silent_after", thresholds.silentAfter),
            ("degraded_lag", thresholds.degradedLag), ("alert_lag", thresholds.alertLag),
        ]
        for (key, duration) in durations
        where duration < .milliseconds(100) || duration > Thresholds.maximumDuration {
            report(key, "a duration of 100ms to 24h")
        }
        if thresholds.silentAfter < thresholds.heartbeat * 2 {
            report("silent_after", "at least two heartbeats, so that one lost push is not silence")
        }
        if thresholds.alertLag < thresholds.degradedLag {
            report("alert_lag", "at least degraded_lag")
        }
        if !(1...Thresholds.maximumMinimumTransfers).contains(thresholds.minimumTransfers) {
            report(
                "minimum_transfers",
                "an integer from 1 to \(Thresholds.maximumMinimumTransfers)")
        }
        return problems
    }
    private func paceProblems() -> [TopologyProblem] {
        var problems: [TopologyProblem] = []
        func check(
            _ key: String, _ pace: Duration, within bounds: ClosedRange<Duration>, _ rule: String
        ) {
            guard !bounds.contains(pace) else { return }
            problems.append(TopologyProblem(key: "pace.\(key)", expected: rule))
        }
        check(
            "refresh_min", pace.refreshMin, within: PublishingPace.refreshMinBounds,
            "a duration of 50ms to 2s")
        check(
            "refresh_max", pace.refreshMax, within: PublishingPace.refreshMaxBounds,
            "a duration of 50ms to 2s")
        check(
            "event_min", pace.eventMin, within: PublishingPace.eventMinBounds,
            "a duration of 100ms to 60s")
        if problems.isEmpty, pace.refreshMax < pace.refreshMin {
            problems.append(
                TopologyProblem(key: "pace.refresh_max", expected: "at least refresh_min"))
        }
        return problems
    }
}
