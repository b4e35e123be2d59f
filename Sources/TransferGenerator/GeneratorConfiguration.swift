package import CivilTime
package import Money

/// What a generator makes. Equal configurations make equal bytes, on every machine.
package struct GeneratorConfiguration: Sendable, Hashable {
    /// How amounts are drawn.
    package enum Amounts: Sendable, Hashable {
        /// Unique random values of 1 to 2^40 minor units, 2^39 on average: a wrong sum names the
        /// transfer that makes it wrong. A bucket holds about 8,000 of them before it leaves its
        /// bound of 2^52.
        case unique
        /// Uniform in 100 to 1,000,000 minor units, as in the benchmarks.
        case uniform
        /// As people send them: log-normal around a median in minor units, with a mean of 1.83
        /// medians. A currency without a median has one of 200 units.
        case everyday(medians: [Currency: Int64])
    }

    /// How events are spread over the time they span.
    package enum Rhythm: Sendable, Hashable {
        case even
        /// By a curve of day and night, in a time zone that is so far ahead of UTC; any 24 hours
        /// hold as many events as they would evenly.
        case dayAndNight(utcOffsetMinutes: Int)
    }

    /// Parts per million of all events that are not plain first sightings.
    package struct Shares: Sendable, Hashable {
        /// Byte-identical redeliveries of an earlier event of the last 24 h: 90 % within 5,000
        /// events, 10 % from anywhere.
        package var repeats = 10_000
        /// Sightings of an earlier id with another amount, currency or time.
        package var conflicts = 0
        /// New transfers that settled 25 h 20 min to 49 h 20 min before their record's time.
        package var late = 0
        /// Records that a decoder must refuse, and records from the future.
        package var malformed = 0
        /// Of the well-formed ones: change events as Debezium writes them, with `schema` or not.
        package var envelopes = 0
        /// Of the well-formed ones: outbox payloads, the object escaped into a JSON string.
        package var outboxStrings = 0

        package init() {}
    }

    /// Selects all random choices, and the ids.
    package var seed: UInt64 = 1
    /// Nominal time of the first event; the years 1970 to 8999.
    package var start: UnixTime
    /// How many events there are; at most `countMax`.
    package var count: Int
    /// There are, on the average of a day, this many events …
    package var paceEvents: Int
    /// … in this time. Only the quotient matters.
    package var paceMilliseconds: Int64
    package var rhythm = Rhythm.even
    /// What precedes the nine digits of each id; ASCII letters, digits, `_` and `-`. Streams that
    /// meet in one log and must not repeat each other's ids need another prefix each.
    package var idPrefix = "tx_"
    package var amounts = Amounts.unique
    package var shares = Shares()

    /// `count` events spread over `durationMilliseconds` from `start`.
    package init(start: UnixTime, count: Int, durationMilliseconds: Int64) {
        self.start = start
        self.count = count
        paceEvents = max(count, 1)
        paceMilliseconds = durationMilliseconds
    }

    /// `perSecond` events a second from `start`, `count` of them.
    package init(start: UnixTime, perSecond: Int, count: Int = countMax) {
        self.start = start
        self.count = count
        paceEvents = perSecond
        paceMilliseconds = 1_000
    }

    /// Events of one generator: ids have nine digits.
    package static let countMax = 1_000_000_000
    /// The longest pace, in milliseconds: 90 days. With `countMax` the product of a position and
    /// a pace stays below 2^63.
    package static let paceMillisecondsMax: Int64 = 90 * 86_400_000
    package static let idPrefixBytesMax = 64
    /// The greatest median of everyday amounts: 2^10 times as much is below what a record may hold.
    package static let medianMax: Int64 = 1 << 40
    /// No time zone is further from UTC.
    package static let utcOffsetMinutesMax = 14 * 60
    package static let sharesTotal = 1_000_000

    static let spanMillisecondsMax: Int64 = 1_000 * 365 * 86_400_000

    /// From the first event to the nominal end of the last. Within the bounds above it cannot
    /// overflow.
    var spanMilliseconds: Int64 {
        Int64(count) * paceMilliseconds / Int64(paceEvents)
    }

    /// Why no generator can be made of this, in words for its author; nil where one can.
    package var problem: String? {
        let kinds = [shares.repeats, shares.conflicts, shares.late, shares.malformed]
        let shapes = [shares.envelopes, shares.outboxStrings]
        let prefixIsPlain = idPrefix.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || byte == 0x5F || byte == 0x2D
        }
        return switch true {
        case count < 0 || count > Self.countMax:
            "the count must be 0 to \(Self.countMax), not \(count)"
        case paceEvents < 1 || paceEvents > Self.countMax:
            "the rate must be 1 to \(Self.countMax) events, not \(paceEvents)"
        case paceMilliseconds < 1 || paceMilliseconds > Self.paceMillisecondsMax:
            "the duration must be over 0 and at most 90 days"
        case start < UnixTime(seconds: 0) || start > UnixTime(seconds: 221_845_392_000):
            "the start must lie in the years 1970 to 8999"
        case spanMilliseconds > Self.spanMillisecondsMax:
            "the events must not span more than 1,000 years"
        case (kinds + shapes).contains { $0 < 0 || $0 > Self.sharesTotal }:
            "a share must be 0 to 1"
        case kinds.reduce(0, +) > Self.sharesTotal:
            "the shares of repeats, conflicts, late and malformed events exceed 1 together"
        case shapes.reduce(0, +) > Self.sharesTotal:
            "the shares of envelopes and outbox strings exceed 1 together"
        case !hasSoundMedians:
            "a median must be 1 to \(Self.medianMax) minor units"
        case !hasSoundRhythm:
            "a time zone must be at most \(Self.utcOffsetMinutesMax) minutes from UTC"
        case idPrefix.utf8.count > Self.idPrefixBytesMax || !prefixIsPlain:
            "the id prefix must be at most 64 of A-Z a-z 0-9 _ -"
        default: nil
        }
    }

    private var hasSoundMedians: Bool {
        guard case .everyday(let medians) = amounts else { return true }
        return medians.values.allSatisfy { (1...Self.medianMax).contains($0) }
    }

    private var hasSoundRhythm: Bool {
        guard case .dayAndNight(let utcOffsetMinutes) = rhythm else { return true }
        return utcOffsetMinutes.magnitude <= Self.utcOffsetMinutesMax
    }
}
