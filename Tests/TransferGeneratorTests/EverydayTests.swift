import CivilTime
import Money
import Testing
import TransferGenerator

/// Tests realistic amounts and times.
@Suite struct EverydayTests {
    private static let usd = Currency(code: "USD")!
    private static let jpy = Currency(code: "JPY")!
    private static let kwd = Currency(code: "KWD")!

    private static func configuration(_ count: Int) -> GeneratorConfiguration {
        var result = TransferGeneratorTests.configuration(count)
        result.amounts = .everyday(medians: [usd: 20_000, jpy: 30_118])
        return result
    }

    @Test func `the first 10,000 lines of a seed never change`() {
        var configuration = Self.configuration(10_000)
        configuration.rhythm = .dayAndNight(utcOffsetMinutes: 330)
        let lines = TransferGeneratorTests.lines(configuration)
        #expect(TransferGeneratorTests.hash(lines) == 10_653_471_966_849_869_627)
    }

    @Test func `half of the amounts are below the median, and the mean is 1.83 medians`() {
        var configuration = Self.configuration(200_000)
        configuration.shares.repeats = 0
        let generator = TransferGenerator(configuration)
        var amounts: [Currency: [Int64]] = [:]
        var bytes: [UInt8] = []
        for position in 0..<configuration.count {
            bytes.removeAll(keepingCapacity: true)
            let event = generator.append(position, to: &bytes)
            amounts[event.currency, default: []].append(event.amount)
        }
        // The last currency has the default median: 200 units with three decimals.
        for (currency, median) in [(Self.usd, 20_000), (Self.jpy, 30_118), (Self.kwd, 200_000)] {
            let own = amounts[currency, default: []].sorted()
            let middle = Double(own[own.count / 2])
            let mean = Double(own.reduce(0, +)) / Double(own.count)
            let tolerance = 5 / Double(own.count).squareRoot()
            #expect(abs(middle / Double(median) - 1) < tolerance, "\(currency.code)")
            #expect(abs(mean / Double(median) - 1.83) < 2 * tolerance, "\(currency.code)")
            #expect(own[0] >= 1 && own[own.count - 1] < Int64(median) << 10)
        }
    }

    @Test func `a day of the curve has as many events as an even day, most in the evening`() {
        for offset in [-300, 0, 330] {
            var configuration = GeneratorConfiguration(
                start: TransferGeneratorTests.start, perSecond: 2, count: 3 * 172_800)
            configuration.rhythm = .dayAndNight(utcOffsetMinutes: offset)
            let generator = TransferGenerator(configuration)
            var hours = Array(repeating: 0, count: 24)
            var last = configuration.start
            for position in 0..<172_800 {
                let time = generator.recordTime(at: position)
                #expect(time >= last)
                last = time
                let local = time + Int64(offset) * 60_000
                hours[Int(local.milliseconds / 3_600_000 % 24)] += 1
            }
            #expect(hours.max() == hours[18])
            #expect(hours.min() == hours[3])
            #expect(hours[18] > 5 * hours[3])
            // Any 24 hours, whenever they begin.
            for first in [0, 1, 9_999, 100_000, 200_000] {
                let begins = generator.recordTime(at: first)
                let distance =
                    generator.recordTime(at: first + 172_800).milliseconds
                    - begins.milliseconds
                #expect(abs(distance - 86_400_000) <= 20)
            }
        }
    }

    @Test func `events before a time are counted without generating them`() {
        var configuration = GeneratorConfiguration(
            start: TransferGeneratorTests.start, perSecond: 20, count: 1_000_000)
        for rhythm in [
            GeneratorConfiguration.Rhythm.even, .dayAndNight(utcOffsetMinutes: -300),
        ] {
            configuration.rhythm = rhythm
            let generator = TransferGenerator(configuration)
            #expect(generator.count(before: configuration.start) == 0)
            #expect(generator.count(before: UnixTime(milliseconds: .max)) == 1_000_000)
            let time = configuration.start + 5_432_100
            let count = generator.count(before: time)
            #expect(generator.recordTime(at: count - 1) < time)
            #expect(generator.recordTime(at: count) >= time)
        }
    }
}
