import ArgumentParser
import CivilTime
import TransferGenerator

/// `tributary generate`.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Make settled transfers from a seed.",
        discussion: """
            Writes COUNT records of transaction.settled, one JSON object a line, in 50 currencies \
            with US dollars at 40 %, slightly out of order, 1 % of them exact repeats. The same \
            options make the same bytes, on every machine; times that name "now" aside.

            Without --rate, events are made at once, spread over --duration from --start \
            (2026-03-25T00:00:00Z; with --kafka the --duration that ends now). With --rate, they \
            are made at that pace, from now on.

            EXAMPLES:
              tributary generate 5184000 --out day.ndjson
              tributary generate 1000000 --seed 7 --malformed 0.1% | head -3
              tributary generate 9000 --rate 100 \\
                --kafka 127.0.0.1:9092 --topic transaction.settled
            """)

    @Argument(help: "How many records to make, at most \(GeneratorConfiguration.countMax).")
    var count: Int

    @OptionGroup(title: "Content")
    var content: GenerateContent

    @Option(help: ArgumentHelp("Write here, not to standard output.", valueName: "file"))
    var out: String?

    @Option(
        help: ArgumentHelp("Produce to this Kafka broker, keys included.", valueName: "host:port"))
    var kafka: String?

    @Option(help: "The topic to produce to.")
    var topic: String?

    func validate() throws {
        if out != nil, kafka != nil {
            throw ValidationError("Choose one of --out and --kafka.")
        }
        if (kafka == nil) != (topic == nil) {
            throw ValidationError("--kafka and --topic go together.")
        }
        if let problem = settings(now: UnixTime(seconds: 0)).problem {
            throw ValidationError("\(problem).")
        }
    }

    func run() throws {
        let generator = TransferGenerator(settings(now: InstantArgument.now))
        let line = ProgressLine()
        var pacer = EventPacer(count: count, rate: content.rate)
        let tally: EventTally
        if let kafka, let topic {
            tally = try generator.produce(to: topic, at: kafka, pacer: &pacer, progress: line)
        } else {
            let output = try out.map(ByteOutput.init(path:)) ?? ByteOutput()
            do {
                tally = try generator.write(to: output, pacer: &pacer, progress: line)
            } catch let failure as ByteOutput.Failure where failure.isClosedPipe {
                return
            }
        }
        line.clear()
        writeToStandardError(
            """
            \(tally.total) events: \(tally.fresh) fresh, \(tally.repeated) repeats, \
            \(tally.conflicts) conflicts, \(tally.late) late, \(tally.malformed) malformed

            """)
    }

    private func settings(now: UnixTime) -> GeneratorConfiguration {
        content.configuration(count: count, now: now, isForBroker: kafka != nil)
    }
}

/// What `generate` makes.
struct GenerateContent: ParsableArguments {
    @Option(help: "Selects ids, amounts and everything else that is random.")
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "Time of the first event: RFC 3339, now, or a time before it such as now-24h.",
            valueName: "time"))
    var start: InstantArgument?

    @Option(help: "How long the events span, as in 90s, 24h or 1h30m; 24h if left out.")
    var duration: SpanArgument?

    @Option(help: "Make as many events a second, at that pace.")
    var rate: Int?

    @Option(help: "unique: random below 2^40, none twice. uniform: 100 to 1,000,000.")
    var amounts = AmountsArgument.uniform

    @Option(help: "Share of exact repeats of earlier records.")
    var repeats = ShareArgument(partsPerMillion: 10_000)

    @Option(help: "Share of repeats of an id with other content.")
    var conflicts = ShareArgument(partsPerMillion: 0)

    @Option(help: "Share of transfers that settled over 25 h before they arrive.")
    var late = ShareArgument(partsPerMillion: 0)

    @Option(help: "Share of records that must be refused.")
    var malformed = ShareArgument(partsPerMillion: 0)

    @Option(help: "Share of well-formed records in a Debezium change event.")
    var envelopes = ShareArgument(partsPerMillion: 0)

    @Option(help: "Share of well-formed records in a JSON string, as an outbox writes them.")
    var outbox = ShareArgument(partsPerMillion: 0)

    @Option(help: "What ids begin with; streams that meet in one topic need one each.")
    var idPrefix = "tx_"

    enum AmountsArgument: String, ExpressibleByArgument, CaseIterable {
        case unique, uniform
    }

    func validate() throws {
        if rate != nil, duration != nil {
            throw ValidationError("--rate and --duration contradict each other.")
        }
    }

    func configuration(count: Int, now: UnixTime, isForBroker: Bool) -> GeneratorConfiguration {
        var result: GeneratorConfiguration
        if let rate {
            result = GeneratorConfiguration(
                start: start?.time ?? now, perSecond: rate, count: count)
        } else {
            let duration = duration?.milliseconds ?? Self.dayMilliseconds
            let usual = isForBroker ? max(now - duration, UnixTime(seconds: 0)) : Self.fixedStart
            result = GeneratorConfiguration(
                start: start?.time ?? usual, count: count, durationMilliseconds: duration)
        }
        result.seed = seed
        result.idPrefix = idPrefix
        result.amounts = amounts == .unique ? .unique : .uniform
        result.shares.repeats = repeats.partsPerMillion
        result.shares.conflicts = conflicts.partsPerMillion
        result.shares.late = late.partsPerMillion
        result.shares.malformed = malformed.partsPerMillion
        result.shares.envelopes = envelopes.partsPerMillion
        result.shares.outboxStrings = outbox.partsPerMillion
        return result
    }

    private static let dayMilliseconds: Int64 = 86_400_000
    /// 2026-03-25T00:00:00Z: output that names no time must not depend on today.
    private static let fixedStart = UnixTime(seconds: 1_774_396_800)
}
