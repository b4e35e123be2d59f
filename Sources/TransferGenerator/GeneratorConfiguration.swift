package import CivilTime
package import Money

/// The settings of a generator. Equal configurations give equal bytes on every machine.
package struct GeneratorConfiguration: Sendable, Hashable {
    /// The distribution of amounts.
    package enum Amounts: Sendable, Hashable {
        /// Unique random values of 1 to 2^40 minor units, 2^39 on average, so that a wrong sum
        /// identifies the transfer behind the difference. About 8,000 of them fit in a bucket,
        /// whose limit is 2^52.
        case unique
        /// Uniform in 100 to 1,000,000 minor units, as in the benchmarks.
        case uniform
        /// Realistic: log-normal around a median in minor units, with a mean of 1.83 medians. The
        /// default median is 200 units of the currency.
        case everyday(medians: [Currency: Int64])
    }

    /// The distribution of events over time.
    package enum Rhythm: Sendable, Hashable {
        case even
        /// A curve of day and night in a time zone with this offset from UTC; any 24 hours contain
        /// as many events as with an even distribution.
        case dayAndNight(utcOffsetMinutes: Int)
    }

    /// Parts per million of all events that are not plain first occurrences.
    package struct Shares: Sendable, Hashable {
        /// Byte-identical redeliveries of an earlier event of the last 24 h: 90 % within 5,000
        /// events, 10 % from anywhere.
        package var repeats = 10_000
        /// Repeats of an earlier id with a different amount, currency or time.
        package var conflicts = 0
        /// New transfers that settled 25 h 20 min to 49 h 20 min before their record's time.
        package var late = 0
        /// Records that a decoder must reject, and records from the future.
        package var malformed = 0
        /// The share of Debezium change events, with or without `schema`, in well-formed records.
        package var envelopes = 0
        /// The share of outbox payloads, objects in a JSON string, in well-formed records.
        package var outboxStrings = 0

        package init() {}
    }

    /// Selects all random choices, and the ids.
    package var seed: UInt64 = 1
    /// Nominal time of the first event, in the years 1970 to 8999.
    package var start: UnixTime
    /// The number of events, at most `countMax`.
    package var count: Int
    /// On the average of a day, there are this many events …
    package var paceEvents: Int
    /// … in this time. Only the quotient matters.
    package var paceMilliseconds: Int64
    package var rhythm = Rhythm.even
    /// The text before the nine digits of each id: ASCII letters, digits, `_` and `-`. Streams into
    /// one log need different prefixes, so that they do not repeat each other's ids.
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

    /// The most events of one generator, because ids have nine digits.
    package static let countMax = 1_000_000_000
    /// The longest pace, in milliseconds: 90 days. With `countMax`, the product of a position and
    /// a pace stays below 2^63.
    package static let paceMillisecondsMax: Int64 = 90 * 86_400_000
    package static let idPrefixBytesMax = 64
    /// The greatest median of everyday amounts; 2^10 times as much still fits in a record.
    package static let medianMax: Int64 = 1 << 40
    /// The greatest offset of a time zone from UTC.
    package static let utcOffsetMinutesMax = 14 * 60
    package static let sharesTotal = 1_000_000

    static let spanMillisecondsMax: Int64 = 1_000 * 365 * 86_400_000

    /// From the first event to the nominal end of the last. Within the bounds above it cannot
    /// overflow.
    var spanMilliseconds: Int64 {
        Int64(count) * paceMilliseconds / Int64(paceEvents)
    }

    /// Why the configuration is invalid, in words for its author; nil if it is valid.
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
            "the duration must be more than 0 and at most 90 days"
        case start < UnixTime(seconds: 0) || start > UnixTime(seconds: 221_845_392_000):
            "the start must be in the years 1970 to 8999"
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
            "the id prefix must have at most 64 characters of A-Z a-z 0-9 _ -"
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
