import CivilTime
import Money
import Testing
import TransferGenerator

@Suite struct GeneratorConfigurationTests {
    static func sound() -> GeneratorConfiguration { TransferGeneratorTests.configuration(10) }

    @Test func `the defaults and the bounds themselves are accepted`() {
        #expect(Self.sound().problem == nil)
        var widest = Self.sound()
        widest.count = GeneratorConfiguration.countMax
        widest.paceEvents = 250_000
        widest.paceMilliseconds = GeneratorConfiguration.paceMillisecondsMax
        widest.idPrefix = ""
        widest.shares.malformed = 990_000
        #expect(widest.problem == nil)
        var bytes: [UInt8] = []
        // No arithmetic on the last event overflows Int64.
        let last = TransferGenerator(widest).append(widest.count - 1, to: &bytes)
        #expect(last.recordTime > widest.start)
    }

    typealias Change = @Sendable (inout GeneratorConfiguration) -> Void

    static let changes: [(String, Change)] = [
        ("the count must", { $0.count = -1 }),
        ("the count must", { $0.count = GeneratorConfiguration.countMax + 1 }),
        ("the rate must", { $0.paceEvents = 0 }),
        ("the duration must", { $0.paceMilliseconds = 0 }),
        ("the duration must", { $0.paceMilliseconds = .max }),
        ("the start must", { $0.start = UnixTime(milliseconds: -1) }),
        ("the start must", { $0.start = UnixTime(milliseconds: .max) }),
        (
            "the events must",
            {
                $0.count = 100_000
                $0.paceEvents = 1
                $0.paceMilliseconds = GeneratorConfiguration.paceMillisecondsMax
            }
        ),
        ("a share must", { $0.shares.late = -1 }),
        ("a share must", { $0.shares.envelopes = 1_000_001 }),
        ("the shares of repeats", { $0.shares.malformed = 990_001 }),
        (
            "the shares of envelopes",
            {
                $0.shares.envelopes = 600_000
                $0.shares.outboxStrings = 600_000
            }
        ),
        ("a median must", { $0.amounts = .everyday(medians: [Currency.all[0]: 0]) }),
        ("a median must", { $0.amounts = .everyday(medians: [Currency.all[0]: 1 << 41]) }),
        ("a time zone", { $0.rhythm = .dayAndNight(utcOffsetMinutes: 841) }),
        ("a time zone", { $0.rhythm = .dayAndNight(utcOffsetMinutes: .min) }),
        ("the id prefix", { $0.idPrefix = "a\"b" }),
        ("the id prefix", { $0.idPrefix = String(repeating: "x", count: 65) }),
    ]

    @Test(arguments: changes)
    func `each violated bound has a message`(
        _ beginning: String, _ change: Change
    ) throws {
        var configuration = Self.sound()
        change(&configuration)
        #expect(try #require(configuration.problem).hasPrefix(beginning))
    }
}
