import CivilTime
import Foundation
import Money
import Testing
import TransferGenerator

@Suite struct TransferGeneratorTests {
    static let start = RFC3339.parse("2026-03-25T00:00:00Z")!

    static func configuration(_ count: Int, seed: UInt64 = 7) -> GeneratorConfiguration {
        var configuration = GeneratorConfiguration(
            start: start, count: count, durationMilliseconds: 86_400_000)
        configuration.seed = seed
        return configuration
    }

    static func mixedShares() -> GeneratorConfiguration.Shares {
        var shares = GeneratorConfiguration.Shares()
        shares.conflicts = 10_000
        shares.late = 20_000
        shares.malformed = 30_000
        shares.envelopes = 100_000
        shares.outboxStrings = 50_000
        return shares
    }

    static func lines(_ configuration: GeneratorConfiguration) -> [UInt8] {
        var bytes: [UInt8] = []
        var tally = EventTally()
        TransferGenerator(configuration)
            .appendLines(0..<configuration.count, to: &bytes, tally: &tally)
        return bytes
    }

    /// The 64-bit FNV-1a hash.
    static func hash(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    @Test func `the first 10,000 lines of a seed never change`() {
        #expect(Self.hash(Self.lines(Self.configuration(10_000))) == 15_203_200_197_169_640_187)
        var mixed = Self.configuration(10_000)
        mixed.shares = Self.mixedShares()
        mixed.amounts = .uniform
        #expect(Self.hash(Self.lines(mixed)) == 1_940_972_111_988_554_534)
    }

    @Test func `different seeds give different ids and amounts at a position`() {
        let one = Self.lines(Self.configuration(200, seed: 1)).split(separator: 0x0A)
        let two = Self.lines(Self.configuration(200, seed: 2)).split(separator: 0x0A)
        #expect(zip(one, two).allSatisfy { $0 != $1 })
    }

    @Test func `a range of events has the same bytes alone as in the whole`() {
        var configuration = Self.configuration(3_000)
        configuration.shares = Self.mixedShares()
        let generator = TransferGenerator(configuration)
        let whole = Self.lines(configuration)
        var parts: [UInt8] = []
        var tally = EventTally()
        for first in stride(from: 0, to: 3_000, by: 700) {
            generator.appendLines(first..<min(first + 700, 3_000), to: &parts, tally: &tally)
        }
        #expect(parts == whole)
        #expect(tally.total == 3_000)
    }

    @Test func `a new kind of event does not change the content of others`() {
        var changed = Self.configuration(5_000)
        changed.shares.malformed = 100_000
        let plain = Self.lines(Self.configuration(5_000)).split(separator: 0x0A)
        let generator = TransferGenerator(changed)
        var compared = 0
        for position in 0..<5_000 {
            var bytes: [UInt8] = []
            guard generator.append(position, to: &bytes).kind == .fresh else { continue }
            // Repeats may select another source; fresh events must not change.
            #expect(bytes[...] == plain[position])
            compared += 1
        }
        #expect(compared > 4_000)
    }

    @Test func `every line has the content of its event`() throws {
        var configuration = Self.configuration(4_000)
        configuration.shares = Self.mixedShares()
        let generator = TransferGenerator(configuration)
        var shapes: Set<GeneratedEvent.Shape> = []
        for position in 0..<configuration.count {
            var bytes: [UInt8] = [1, 2, 3]
            let event = generator.append(position, to: &bytes)
            #expect(event.value == 3..<bytes.count)
            #expect(!bytes.contains(0x0A))
            if case .malformed = event.kind { continue }
            shapes.insert(event.shape)
            let transfer = try Self.transfer(in: Data(bytes[event.value]))
            var key: [UInt8] = []
            generator.appendKey(of: event, to: &key)
            #expect(transfer["transfer_id"] as? String == String(decoding: key, as: UTF8.self))
            #expect(transfer["currency"] as? String == event.currency.code)
            #expect(transfer["amount_minor_units"] as? Int64 == event.amount)
            #expect(transfer["settled_at_utc"] as? String == RFC3339.format(event.settledAt))
        }
        #expect(shapes == [.plain, .envelope, .envelopeWithSchema, .outboxString])
    }

    /// The transfer in a record of any shape, read by Foundation.
    static func transfer(in value: Data) throws -> [String: Any] {
        let json = try JSONSerialization.jsonObject(with: value, options: .fragmentsAllowed)
        if let text = json as? String { return try transfer(in: Data(text.utf8)) }
        let object = try #require(json as? [String: Any])
        let payload = object["payload"] as? [String: Any] ?? object
        return payload["after"] as? [String: Any] ?? payload
    }

    @Test func `a repeat has the bytes of an earlier event, and each id is fresh once`() throws {
        var configuration = Self.configuration(50_000)
        configuration.shares = Self.mixedShares()
        let generator = TransferGenerator(configuration)
        var firstByIdentity: [Int: (line: [UInt8], position: Int)] = [:]
        var amounts: Set<Int64> = []
        var far = 0
        var tally = EventTally()
        for position in 0..<configuration.count {
            var line: [UInt8] = []
            let event = generator.append(position, to: &line)
            tally.count(event.kind)
            switch event.kind {
            case .fresh, .late:
                #expect(firstByIdentity[event.identity] == nil)
                #expect(amounts.insert(event.amount).inserted)
                firstByIdentity[event.identity] = (line, position)
            case .repeated:
                let first = try #require(firstByIdentity[event.identity])
                #expect(first.line == line)
                if position - first.position > 5_100 { far += 1 }
            case .conflict:
                let first = try #require(firstByIdentity[event.identity])
                #expect(first.line != line)
            case .malformed: break
            }
        }
        #expect(far > 10 && far < tally.repeated / 5)
        #expect(tally.total == 50_000)
        #expect(abs(tally.repeated - 500) < 100)
        #expect(abs(tally.conflicts - 500) < 100)
        #expect(abs(tally.late - 1_000) < 150)
        #expect(abs(tally.malformed - 1_500) < 200)
    }

    @Test func `dollars are two fifths and every currency of the fifty appears`() {
        var configuration = Self.configuration(100_000)
        configuration.shares.repeats = 0
        let generator = TransferGenerator(configuration)
        var counts: [Currency: Int] = [:]
        var bytes: [UInt8] = []
        for position in 0..<configuration.count {
            bytes.removeAll(keepingCapacity: true)
            counts[generator.append(position, to: &bytes).currency, default: 0] += 1
        }
        #expect(counts.count == 50)
        #expect(abs(counts[Currency(code: "USD")!]! - 40_000) < 500)
        #expect(abs(counts[Currency(code: "EUR")!]! - 9_270) < 300)
        #expect(abs(counts[Currency(code: "ISK")!]! - 410) < 80)
    }

    @Test func `uniform amounts keep their bounds and unique ones differ`() {
        var configuration = Self.configuration(50_000)
        configuration.shares.repeats = 0
        let unique = TransferGenerator(configuration)
        configuration.amounts = .uniform
        let uniform = TransferGenerator(configuration)
        var seen: Set<Int64> = []
        var bytes: [UInt8] = []
        for position in 0..<configuration.count {
            bytes.removeAll(keepingCapacity: true)
            let amount = unique.append(position, to: &bytes).amount
            #expect(amount >= 1 && amount <= 1 << 40)
            #expect(seen.insert(amount).inserted)
            #expect((100...1_000_000).contains(uniform.append(position, to: &bytes).amount))
        }
        #expect(seen.min()! < 1 << 28 && seen.max()! > (1 << 40) - (1 << 28))
    }

    @Test func `event times stay in the span, slightly out of order; record times never decrease`()
    {
        let configuration = Self.configuration(86_400)
        let generator = TransferGenerator(configuration)
        let end = Self.start + 86_400_000
        var last = Self.start
        var stragglers = 0
        var bytes: [UInt8] = []
        for position in 0..<configuration.count {
            bytes.removeAll(keepingCapacity: true)
            let event = generator.append(position, to: &bytes)
            #expect(event.recordTime >= last && event.recordTime < end)
            last = event.recordTime
            guard event.kind == .fresh else { continue }
            #expect(event.settledAt >= Self.start && event.settledAt < end)
            let lag = event.recordTime.milliseconds - event.settledAt.milliseconds
            #expect(lag >= -2_000 && lag < 31_000)
            if lag > 3_000 { stragglers += 1 }
        }
        #expect(abs(stragglers - 800) < 150)
    }

    @Test func `late events have left the retention when they arrive`() {
        var configuration = Self.configuration(20_000)
        configuration.shares.late = 100_000
        let generator = TransferGenerator(configuration)
        var late = 0
        for position in 0..<configuration.count {
            var bytes: [UInt8] = []
            let event = generator.append(position, to: &bytes)
            guard event.kind == .late else { continue }
            late += 1
            let minutes = event.settledAt.minute.distance(to: event.recordTime.minute)
            #expect(minutes >= 1_519 && minutes <= 2_961)
        }
        #expect(abs(late - 2_000) < 200)
    }

    @Test func `a rate gives that many events a second`() {
        let generator = TransferGenerator(
            GeneratorConfiguration(start: Self.start, perSecond: 250))
        for second in 0..<100 {
            #expect(generator.recordTime(at: second * 250) == Self.start + Int64(second) * 1_000)
        }
    }

    @Test func `repeats of a slow stream stay within 24 hours`() {
        // One event an hour: the id memory of 25 h holds two dozen of them.
        var configuration = GeneratorConfiguration(
            start: Self.start, count: 2_000, durationMilliseconds: 2_000 * 3_600_000)
        configuration.shares.repeats = 300_000
        let generator = TransferGenerator(configuration)
        for position in 0..<configuration.count {
            var bytes: [UInt8] = []
            let event = generator.append(position, to: &bytes)
            #expect(event.recordTime.milliseconds - event.settledAt.milliseconds <= 86_440_000)
        }
    }
}
