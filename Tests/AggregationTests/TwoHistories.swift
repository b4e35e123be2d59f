import Aggregation
import CivilTime
import DeltaProtocol
import Identifiers
import Money

/// A small random log and the states that nodes build from it.
struct TwoHistories {
    /// The currency used only by transfers of the previous log, in a log that continues it.
    private static let repeatedCurrency = "CHF"
    private static let hour: Int64 = 3_600_000
    private static let minute: Int64 = 60_000
    private static let start: Int64 = 1_800_000_000_000

    private struct Entry {
        var stamp: Int64
        var value: [UInt8]
    }

    private struct Transfer {
        var id: Int
        var currency: String
        var amount: Int64
        var settledAt: Int64
    }

    private let settings = FoldSettings(idKey: IDKey(low: 1, high: 2))
    private var random: UInt64
    private var log: [Entry] = []
    private var written: [Transfer] = []
    private var low = 0
    private var disorder: Int64 = 0
    private var isCut = false
    /// True if the log continues another one and repeats some of its transfers.
    private var isContinuing = false
    /// True if some stamps are wrong by hours.
    private var hasWrongStamps = false
    private var now = Self.start
    private var nextID = 0

    init(seed: UInt64) {
        random = seed &* 0x9E37_79B9_7F4A_7C15
        let disorders: [Int64] = [0, 0, 20, 60]
        disorder = pick(disorders) * Self.minute
        isCut = below(4) > 0
        isContinuing = below(3) == 0
        hasWrongStamps = !isCut && below(2) == 0
    }

    private mutating func next() -> UInt64 {
        random &+= 0x9E37_79B9_7F4A_7C15
        var z = random
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    private mutating func below(_ bound: Int64) -> Int64 {
        Int64(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    private mutating func pick<Element>(_ choices: [Element]) -> Element {
        choices[Int(below(Int64(choices.count)))]
    }

    // MARK: - The log

    private mutating func write() {
        let hours: [Int64] = [2, 20, 45, 90]
        let span = pick(hours) * Self.hour
        let count = 4 + below(36)
        for _ in 0..<count {
            now += below(2 * span / count)
            var stamp = now
            if disorder > 0 { stamp += below(disorder + 1) - disorder / 2 }
            if hasWrongStamps, below(6) == 0 { stamp += below(120 * Self.hour) - 60 * Self.hour }
            let value =
                switch below(10) {
                case 0: correction(stamp)
                case 1...2 where isContinuing: transferOfLogBefore()
                default: transfer(stamp)
                }
            log.append(Entry(stamp: stamp, value: value))
        }
    }

    private mutating func transfer(_ stamp: Int64) -> [UInt8] {
        var transfer: Transfer
        if !written.isEmpty, below(3) == 0 {
            transfer = pick(written)
            if below(3) == 0 { transfer.settledAt = settledAt(stamp) }
            if below(6) == 0 { transfer.amount += 1 }
        } else {
            nextID += 1
            transfer = Transfer(
                id: nextID, currency: pick(["EUR", "JPY"]), amount: 1 + below(1 << 40),
                settledAt: settledAt(stamp))
            if below(25) == 0 { transfer.amount = Limits.sumMagnitude - below(100) }
        }
        // Most producers write whole seconds, which have a path of their own through the decoder.
        if below(4) > 0 { transfer.settledAt -= transfer.settledAt % 1_000 }
        written.append(transfer)
        return text(of: transfer)
    }

    /// Settled before this log began, as far as the clocks can show.
    private mutating func transferOfLogBefore() -> [UInt8] {
        let end = Self.start + disorder / 2 + 5 * Self.minute
        return text(
            of: Transfer(
                id: -Int(below(20)), currency: Self.repeatedCurrency, amount: 1 + below(1 << 40),
                settledAt: end - below(4) * below(8 * Self.hour)))
    }

    private func text(of transfer: Transfer) -> [UInt8] {
        let time = RFC3339Text.text(transfer.settledAt)
        return Array(
            """
            {"transfer_id":"t\(transfer.id)","currency":"\(transfer.currency)",\
            "amount_minor_units":\(transfer.amount),"settled_at_utc":"\(time)"}
            """.utf8)
    }

    private mutating func settledAt(_ stamp: Int64) -> Int64 {
        switch below(8) {
        case 0: stamp - 25 * Self.hour - below(15 * Self.hour)
        case 1, 2: stamp - below(26 * Self.hour)
        case 3: stamp + below(5 * Self.minute)
        default: stamp - below(2 * Self.minute)
        }
    }

    private mutating func correction(_ stamp: Int64) -> [UInt8] {
        let minute = (settledAt(stamp) / Self.minute)
        nextID += 1
        let issued = RFC3339Text.text(stamp - below(12 * Self.minute))
        return Array(
            """
            {"type":"bucket_correction","correction_id":"c\(nextID)","currency":"EUR",\
            "bucket_timestamp_min":\(minute),"delta_to_apply":\(1 + below(1_000)),\
            "correction_before":0,"reason":"r","requested_by":"q","issued_at_utc":"\(issued)"}
            """.utf8)
    }

    // MARK: - The states

    /// Describes the first invariant that is violated; nil if all hold.
    mutating func run() -> String? {
        write()
        let floor = UnixTime(milliseconds: now).minute.advanced(by: -Limits.retainedMinutes)
        // A node that joined when the log was empty, or later.
        let high = below(Int64(log.count) + 1)
        guard var before = rebuild(at: 0, high: high, nil, Claims.always) else {
            return "no node could start from the beginning"
        }
        // Raise its floor to an hour of its own: no outcome depends on the floor.
        if below(2) == 0 { before.raiseFloor(to: floor.advanced(by: -Int(below(3_000)))) }
        let first = below(Int64(log.count) + 1)
        var status = fold(&before, keepingStatusAt: first)
        before.raiseFloor(to: floor)
        for _ in 0..<(1 + below(3)) {
            if isCut { low += Int(below(Int64(log.count - low) + 1)) }
            guard var rebuilt = rebuild(from: status, floor: floor) else {
                return "no node could start from \(low)"
            }
            let watermark = rebuilt.seedWatermark
            let next = watermark + below(Int64(log.count) - watermark + 1)
            status = fold(&rebuilt, keepingStatusAt: next)
            if let problem = difference(before, rebuilt, floor) { return problem }
            if let problem = repetition(rebuilt) { return problem }
        }
        return repetition(before)
    }

    private mutating func rebuild(from status: ShardStatus, floor: Minute) -> ShardFold? {
        var at = low
        if below(4) > 0 {
            let from = terms(floor).readFrom.milliseconds
            while at < log.count, log[at].stamp < from { at += 1 }
        }
        return rebuild(at: at, high: Int64(log.count), status, floor)
    }

    private func rebuild(
        at start: Int, high: Int64, _ status: ShardStatus?, _ floor: Minute
    ) -> ShardFold? {
        let facts = ShardJoin.LogFacts(
            low: Int64(low), high: high, start: Int64(start),
            startTimestamp: start < high ? log[start].stamp : nil)
        guard
            case .start(let start) = ShardJoin.plan(
                log: facts, statuses: [status], mayAsk: [false], terms: terms(floor))
        else { return nil }
        return ShardFold(settings: settings, start: start)
    }

    private func terms(_ floor: Minute) -> ShardJoin.Terms {
        ShardJoin.Terms(
            floor: floor, disorderMilliseconds: disorder, isContinuing: isContinuing,
            version: settings.version, now: UnixTime(milliseconds: now + disorder))
    }

    /// Folds the rest of the log. Returns the status that HQ would have had at `watermark`.
    private func fold(_ fold: inout ShardFold, keepingStatusAt watermark: Int64) -> ShardStatus {
        take(&fold, upTo: watermark)
        let status = ShardStatus(
            log: LogID(unchecked: "log"), partition: 0, watermark: max(fold.coverage, watermark),
            claims: fold.claims, foldVersion: settings.version, fingerprint: fold.fingerprint,
            values: fold.changes(since: 0))
        take(&fold, upTo: Int64(log.count))
        return status
    }

    private func take(_ fold: inout ShardFold, upTo end: Int64) {
        var diversions: [Diversion] = []
        while fold.coverage < end {
            let offset = fold.coverage
            unsafe log[Int(offset)].value.withUnsafeBytes { bytes in
                let record = unsafe LogRecord(
                    offset: offset, timestamp: log[Int(offset)].stamp, value: bytes)
                unsafe withUnsafePointer(to: record) { pointer in
                    unsafe fold.fold(
                        UnsafeBufferPointer(start: pointer, count: 1), into: &diversions)
                }
            }
        }
    }

    // MARK: - Invariants

    private func difference(
        _ whole: borrowing ShardFold, _ rebuilt: borrowing ShardFold, _ floor: Minute
    ) -> String? {
        let claims = whole.claims.narrowed(by: rebuilt.claims)
        let known = max(claims.idsFrom, claims.idsShortUntil, floor)...Minute(.max)
        // Built only on failure, because it is slow.
        var text: String {
            "low \(low), disorder \(disorder), \(claims), floor \(floor.number)"
        }
        let (right, found) = (
            whole.changes(since: 0, in: known), rebuilt.changes(since: 0, in: known)
        )
        guard right == found else { return "\(text): \(right) is right, not \(found)" }
        guard whole.digest(of: known) == rebuilt.digest(of: known) else {
            return "\(text): the digests differ"
        }
        if rebuilt.seedWatermark == 0, low == 0, rebuilt.claims.idsFrom > floor,
            rebuilt.claims != whole.claims
        {
            return "\(text): from the beginning \(rebuilt.claims) and \(whole.claims)"
        }
        return nil
    }

    /// Transfers of the previous log are late money, however a state was built.
    private func repetition(_ fold: borrowing ShardFold) -> String? {
        guard isContinuing, !hasWrongStamps else { return nil }
        let repeated = fold.changes(since: 0).buckets.first {
            $0.currency.code == Self.repeatedCurrency && $0.value.settled != 0
        }
        return repeated.map { "disorder \(disorder): \($0) is counted in both logs" }
    }
}

/// RFC 3339, in milliseconds.
private enum RFC3339Text {
    static func text(_ milliseconds: Int64) -> String {
        let day = milliseconds / 86_400_000
        let rest = Int(milliseconds % 86_400_000)
        let date = CivilDate(daysSinceEpoch: Int(day))
        func two(_ number: Int, _ digits: Int = 2) -> String {
            String(String(number + 10_000).suffix(digits))
        }
        let fraction = rest % 1_000 == 0 ? "" : ".\(two(rest % 1_000, 3))"
        return "\(two(date.year, 4))-\(two(date.month))-\(two(date.day))T"
            + "\(two(rest / 3_600_000)):\(two(rest / 60_000 % 60)):\(two(rest / 1_000 % 60))"
            + "\(fraction)Z"
    }
}
