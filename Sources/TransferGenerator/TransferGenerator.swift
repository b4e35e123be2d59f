package import CivilTime
internal import Money

/// Generates settled transfers from a seed, like those that a region's ledger publishes.
///
/// Event `n` is a pure function of the configuration and `n`: any range of events can be generated
/// in any order, with the same bytes. A value; safe to share between threads.
package struct TransferGenerator: Sendable {
    package let configuration: GeneratorConfiguration
    private let streams: RandomStreams
    private let unique: UniqueAmounts
    private let everyday: EverydayAmounts
    private let mix = CurrencyMix()
    private let times: EventTimes
    private let idPrefix: [UInt8]
    private let idOffset: Int
    /// Upper bounds of the kinds in 0 ..< 1,000,000; values above the last bound are fresh.
    private let kindBounds: (repeated: Int, conflict: Int, late: Int, malformed: Int)
    /// How many events back a repeat may reach: those of 24 h, which every id memory holds.
    private let reach: Int
    private let end: UnixTime

    /// The configuration must have no `problem`.
    package init(_ configuration: GeneratorConfiguration) {
        if let problem = configuration.problem { preconditionFailure(problem) }
        self.configuration = configuration
        streams = RandomStreams(seed: configuration.seed)
        unique = UniqueAmounts(streams: streams)
        everyday = Self.everyday(configuration, mix)
        times = EventTimes(configuration)
        idPrefix = Array(configuration.idPrefix.utf8)
        idOffset = streams.below(GeneratorConfiguration.countMax, .identity, at: 0)
        let shares = configuration.shares
        let conflict = shares.repeats + shares.conflicts
        kindBounds = (
            shares.repeats, conflict, conflict + shares.late,
            conflict + shares.late + shares.malformed
        )
        let daily = Self.dayMilliseconds * Int64(configuration.paceEvents)
        reach = max(Int(daily / configuration.paceMilliseconds), 1)
        end = times.time(at: configuration.count)
    }

    private static func everyday(
        _ configuration: GeneratorConfiguration, _ mix: CurrencyMix
    ) -> EverydayAmounts {
        guard case .everyday(let medians) = configuration.amounts else {
            return EverydayAmounts(medians: [])
        }
        return EverydayAmounts(
            medians: mix.entries.map { entry in
                let unit = (0..<entry.currency.exponent).reduce(Int64(1)) { power, _ in power * 10 }
                return medians[entry.currency] ?? usualUnits * unit
            })
    }

    /// Appends the value of event `position` to `bytes`, and returns its description. `position`
    /// must be in 0 ..< `configuration.count`.
    package func append(_ position: Int, to bytes: inout [UInt8]) -> GeneratedEvent {
        precondition(position >= 0 && position < configuration.count, "position is in range")
        let (kind, source) = kind(at: position)
        var entry = mix.entry(streams, at: source)
        var amount = amount(at: source, of: entry)
        var settledAt = settledAt(source)
        var shape = shape(at: source)
        switch kind {
        case .fresh, .repeated: break
        case .conflict:
            shape = .plain
            switch streams.below(3, .conflictField, at: position) {
            case 0: amount = amount == 1 ? 2 : amount - 1
            case 1: entry = mix.otherEntry(streams, at: source)
            default: settledAt = settledAt - Self.conflictShiftMilliseconds
            }
        case .late:
            let age = Self.lateAgeMilliseconds
            let extra = streams.below(Int(Self.dayMilliseconds), .lateAge, at: position)
            settledAt = wholeSecond(nominalTime(position) - age - Int64(extra))
        case .malformed(let malformation):
            shape = .plain
            if malformation == .future {
                settledAt = wholeSecond(nominalTime(position) + Self.futureMilliseconds)
            }
        }

        let first = bytes.count
        let content = RecordContent(
            id: identifier(source), currencyLetters: entry.letters, amount: amount,
            settledAt: settledAt, recordTime: nominalTime(source))
        if case .malformed(let malformation) = kind {
            let detail = streams.below(1 << 16, .malformationDetail, at: position)
            malformation.append(content.members, detail: detail, to: &bytes)
        } else {
            content.append(as: shape, to: &bytes)
        }
        return GeneratedEvent(
            kind: kind, shape: shape, value: first..<bytes.count, identity: source,
            currency: entry.currency, amount: amount, settledAt: settledAt,
            recordTime: nominalTime(position))
    }

    /// Appends the events of `positions` as lines, and counts them in `tally`.
    package func appendLines(
        _ positions: Range<Int>, to bytes: inout [UInt8], tally: inout EventTally
    ) {
        for position in positions {
            tally.count(append(position, to: &bytes).kind)
            bytes.append(0x0A)
        }
    }

    /// Appends the `transfer_id` of `event`, the record's key.
    package func appendKey(of event: GeneratedEvent, to bytes: inout [UInt8]) {
        bytes.append(identifier(event.identity))
    }

    /// When event `position` is due: the stamp that a broker would set.
    package func recordTime(at position: Int) -> UnixTime { nominalTime(position) }

    /// The number of events that are due before `time`.
    package func count(before time: UnixTime) -> Int {
        var (low, high) = (0, configuration.count)
        while low < high {
            let middle = (low + high) / 2
            if nominalTime(middle) < time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension TransferGenerator {
    private func identifier(_ identity: Int) -> RecordIdentifier {
        // A factor that is coprime to 10^9 permutes the nine-digit numbers.
        RecordIdentifier(
            prefix: idPrefix,
            digits: (identity * 618_033_989 + idOffset) % GeneratorConfiguration.countMax)
    }

    /// The kind of an event, and the event whose transfer it contains: itself, except for repeats.
    private func kind(at position: Int) -> (GeneratedEvent.Kind, source: Int) {
        let draw = streams.below(GeneratorConfiguration.sharesTotal, .kind, at: position)
        switch draw {
        case kindBounds.malformed...: return (.fresh, position)
        case kindBounds.late...:
            let all = Malformation.allCases
            return (
                .malformed(all[streams.below(all.count, .malformation, at: position)]), position
            )
        case kindBounds.conflict...: return (.late, position)
        default:
            guard let source = repeatSource(of: position) else { return (.fresh, position) }
            return (draw < kindBounds.repeated ? .repeated : .conflict, source)
        }
    }

    /// An earlier fresh event that `position` can repeat; nil if there is none.
    private func repeatSource(of position: Int) -> Int? {
        let near = streams.below(10, .repeatReach, at: position) != 0
        let span = min(position, reach, near ? Self.nearReach : .max)
        guard span > 0 else { return nil }
        let earliest = position - span
        var source = position - 1 - streams.below(span, .repeatDistance, at: position)
        while source >= earliest {
            let draw = streams.below(GeneratorConfiguration.sharesTotal, .kind, at: source)
            if draw >= kindBounds.malformed { return source }
            source -= 1
        }
        return nil
    }

    private func amount(at position: Int, of entry: CurrencyMix.Entry) -> Int64 {
        switch configuration.amounts {
        case .unique: unique.amount(at: position)
        case .uniform: 100 + Int64(streams.below(999_901, .amount, at: position))
        case .everyday: everyday.amount(streams, at: position, place: entry.place)
        }
    }

    private func shape(at position: Int) -> GeneratedEvent.Shape {
        let shares = configuration.shares
        guard shares.envelopes + shares.outboxStrings > 0 else { return .plain }
        let draw = streams.below(GeneratorConfiguration.sharesTotal, .shape, at: position)
        if draw < shares.envelopes { return draw % 2 == 0 ? .envelope : .envelopeWithSchema }
        return draw < shares.envelopes + shares.outboxStrings ? .outboxString : .plain
    }

    /// The settlement time: within 2 s of the record's, for 1 % up to 28 s earlier; never outside
    /// the stream's time span.
    private func settledAt(_ position: Int) -> UnixTime {
        var time =
            nominalTime(position) + Int64(streams.below(4_001, .jitter, at: position)) - 2_000
        if streams.below(100, .straggler, at: position) == 0 {
            time = time - Int64(streams.below(28_001, .stragglerDelay, at: position))
        }
        return wholeSecond(max(configuration.start, min(time, end - 1)))
    }

    private func nominalTime(_ position: Int) -> UnixTime { times.time(at: position) }

    private func wholeSecond(_ time: UnixTime) -> UnixTime {
        UnixTime(milliseconds: max(time.milliseconds, 0) / 1_000 * 1_000)
    }

    static let dayMilliseconds: Int64 = 86_400_000
    static let nearReach = 5_000
    /// The default median of everyday amounts, in whole units of the currency.
    static let usualUnits: Int64 = 200
    /// 25 h of retention, and 20 minutes for lagging partitions.
    static let lateAgeMilliseconds: Int64 = (25 * 60 + 20) * 60_000
    static let futureMilliseconds: Int64 = 3_600_000
    static let conflictShiftMilliseconds: Int64 = 61_000
}
