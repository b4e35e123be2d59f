import ArgumentParser
import CivilTime
import Platform
import TransferGenerator

/// `tributary generate`.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Generate settled transfers from a seed.",
        discussion: """
            Writes COUNT records of transaction.settled, one JSON object per line, in 50 \
            currencies (40 % US dollars), slightly out of order; 1 % are exact repeats. The same \
            options produce the same bytes on every machine, except for times relative to "now".

            Without --rate, writes all records at once, with times spread over --duration from \
            --start (default 2026-03-25T00:00:00Z; with --kafka, --duration before now). With \
            --rate, writes them at that rate, with times from now on.

            EXAMPLES:
              tributary generate 5184000 --out day.ndjson
              tributary generate 1000000 --seed 7 --malformed 0.1% | head -3
              tributary generate 9000 --rate 100 \\
                --kafka 127.0.0.1:9092 --topic transaction.settled
            """)

    @Argument(help: "Number of records, at most \(GeneratorConfiguration.countMax).")
    var count: Int

    @OptionGroup(title: "Content")
    var content: GenerateContent

    @Option(help: ArgumentHelp("Write to this file, not to standard output.", valueName: "file"))
    var out: String?

    @Option(
        help: ArgumentHelp("Produce to this Kafka broker, with keys.", valueName: "host:port"))
    var kafka: String?

    @Option(help: "The topic to produce to.")
    var topic: String?

    func validate() throws {
        if out != nil, kafka != nil {
            throw ValidationError("--out and --kafka cannot be combined.")
        }
        if (kafka == nil) != (topic == nil) {
            throw ValidationError("--kafka and --topic must be used together.")
        }
        if let problem = settings(now: UnixTime(seconds: 0)).problem {
            throw ValidationError("\(problem).")
        }
    }

    func run() throws {
        let generator = TransferGenerator(settings(now: SystemClock.now()))
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

/// The options for the content of `generate`'s records.
struct GenerateContent: ParsableArguments {
    @Option(help: "Seed for ids, amounts and everything else random.")
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "Time of the first event: RFC 3339, now, or an earlier time such as now-24h.",
            valueName: "time"))
    var start: InstantArgument?

    @Option(help: "Time span of the events, such as 90s, 24h or 1h30m; 24h by default.")
    var duration: SpanArgument?

    @Option(help: "Events per second, written in real time.")
    var rate: Int?

    @Option(help: "unique: random below 2^40, none twice. uniform: 100 to 1,000,000.")
    var amounts = AmountsArgument.uniform

    @Option(help: "Share of exact repeats of earlier records.")
    var repeats = ShareArgument(partsPerMillion: 10_000)

    @Option(help: "Share of repeated ids with different content.")
    var conflicts = ShareArgument(partsPerMillion: 0)

    @Option(help: "Share of transfers that arrive more than 25 h after settlement.")
    var late = ShareArgument(partsPerMillion: 0)

    @Option(help: "Share of records that must be rejected.")
    var malformed = ShareArgument(partsPerMillion: 0)

    @Option(help: "Share of well-formed records in a Debezium change event.")
    var envelopes = ShareArgument(partsPerMillion: 0)

    @Option(help: "Share of well-formed records in a JSON string, as outboxes write them.")
    var outbox = ShareArgument(partsPerMillion: 0)

    @Option(help: "Prefix of ids; streams into one topic need different ones.")
    var idPrefix = "tx_"

    enum AmountsArgument: String, ExpressibleByArgument, CaseIterable {
        case unique, uniform
    }

    func validate() throws {
        if rate != nil, duration != nil {
            throw ValidationError("--rate and --duration cannot be combined.")
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
    /// 2026-03-25T00:00:00Z: without a given time, the output must not depend on the current date.
    private static let fixedStart = UnixTime(seconds: 1_774_396_800)
}
