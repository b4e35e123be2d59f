import CivilTime
import Hashing
import Testing

@Suite struct RFC3339Tests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-03-25T13:25:01Z", 1_774_445_101_000),
        ("2026-03-25t13:25:01z", 1_774_445_101_000),
        ("2026-03-25T13:25:01+00:00", 1_774_445_101_000),
        ("2026-03-25T13:25:01-00:00", 1_774_445_101_000),
        ("2026-03-25T14:25:01+01:00", 1_774_445_101_000),
        ("2026-03-25T18:55:01+05:30", 1_774_445_101_000),
        ("2026-03-24T14:25:01-23:00", 1_774_445_101_000),
        ("2026-03-26T13:24:01+23:59", 1_774_445_101_000),
        ("2026-03-25T13:25:01.5Z", 1_774_445_101_500),
        ("2026-03-25T13:25:01.05Z", 1_774_445_101_050),
        ("2026-03-25T13:25:01.123456789Z", 1_774_445_101_123),
        ("2026-03-25T13:25:01.9999+00:00", 1_774_445_101_999),
        ("2024-02-29T12:00:00Z", 1_709_208_000_000),
        ("2000-02-29T00:00:00Z", 951_782_400_000),
        ("1969-12-31T23:59:59.999Z", -1),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000),
        ("0000-01-01T00:00:00+23:59", -62_167_305_540_000),
        ("9999-12-31T23:59:59.999999999Z", 253_402_300_799_999),
        ("9999-12-31T23:59:59-23:59", 253_402_387_139_000),
        ("2026-12-31T23:59:59Z", 1_798_761_599_000),
    ])
    func `instants`(text: String, milliseconds: Int64) {
        #expect(RFC3339.parse(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "2016-12-31T23:59:60Z", "2016-12-31T23:59:60.999Z", "2017-01-01T00:59:60+01:00",
        "2016-12-31T15:59:60-08:00", "2017-01-01T05:29:60.5+05:30", "2025-05-05T23:59:60Z",
    ])
    func `a leap second counts in the last minute of its UTC day`(text: String) throws {
        let time = try #require(RFC3339.parse(text))
        #expect(RFC3339.format(time.minute).hasSuffix("T23:59"))
        #expect((time + 1).minute.number == time.minute.number + 1)
    }

    @Test(arguments: [
        // Second 60 elsewhere in the day.
        "2016-12-31T22:59:60Z", "2016-12-31T23:58:60Z", "2016-12-31T23:59:60+01:00",
        "2017-01-01T00:00:60Z", "2016-12-31T23:59:61Z",
        // No zone, or an invalid one.
        "2026-03-25T13:25:01", "2026-03-25T13:25:01.5", "2026-03-25T13:25:01+0100",
        "2026-03-25T13:25:01+01", "2026-03-25T13:25:01+1:00", "2026-03-25T13:25:01+24:00",
        "2026-03-25T13:25:01+01:60", "2026-03-25T13:25:01 Z", "2026-03-25T13:25:01UTC",
        "2026-03-25T13:25:01Z+01:00", "2026-03-25T13:25:01ZZ", "2026-03-25T13:25:01\u{2212}01:00",
        // 24:00 and other impossible times of day.
        "2026-03-25T24:00:00Z", "2026-03-25T13:60:00Z", "2026-03-25T99:00:00Z",
        // Impossible days.
        "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z",
        // Space and comma.
        "2026-03-25 13:25:01Z", "2026-03-25T13:25:01,5Z", " 2026-03-25T13:25:01Z",
        "2026-03-25T13:25:01Z ", "2026-03-25_13:25:01Z",
        // Fractions with no digits or too many.
        "2026-03-25T13:25:01.Z", "2026-03-25T13:25:01.1234567890Z", "2026-03-25T13:25:01.5.5Z",
        "2026-03-25T13:25:01.-5Z",
        // Years of other lengths, signs, and missing digits.
        "026-03-25T13:25:01Z", "12026-03-25T13:25:01Z", "+2026-03-25T13:25:01Z",
        "-001-03-25T13:25:01Z", "2026-3-25T13:25:01Z", "2026-03-25T1:25:01Z",
        "２０２６-03-25T13:25:01Z", "2026-0/-25T13:25:01Z", "2026-0:-25T13:25:01Z",
        // Missing parts, and other forms of ISO 8601.
        "", "Z", "2026-03-25", "2026-03-25T13:25Z", "20260325T132501Z", "2026-084T13:25:01Z",
        "2026-W13-3T13:25:01Z", "1774445101", "2026-03-25T13:25:01\0Z",
    ])
    func `anything else is refused`(text: String) {
        #expect(RFC3339.parse(text) == nil)
    }

    @Test func `a wrong byte at any place is refused, without reading past the text`() {
        let sound = Array("2026-03-25T13:25:01.25+01:00".utf8)
        var accepted = 0
        for place in sound.indices {
            for byte in UInt8.min...UInt8.max where byte != sound[place] {
                var bytes = sound
                bytes[place] = byte
                let time = bytes.withUnsafeBytes { RFC3339.parse($0) }
                let isDigitOrSign = (0x30...0x39).contains(byte) || byte == 0x2B || byte == 0x2D
                if time != nil {
                    accepted += 1
                    #expect(isDigitOrSign || byte == 0x74, "place \(place), byte \(byte)")
                }
            }
            for count in 0..<sound.count {
                let time = Array(sound[..<count]).withUnsafeBytes { RFC3339.parse($0) }
                #expect(time == nil)
            }
        }
        #expect(accepted > 50)
    }

    @Test(arguments: [11, 12, 13] as [UInt64])
    func `random instants survive a round trip through text`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<2_000 {
            let seconds = Int64.random(in: -62_167_219_200...253_402_300_799, using: &random)
            let time = UnixTime(seconds: seconds)
            let text = RFC3339.format(time)
            #expect(RFC3339.parse(text) == time, "seed \(seed), \(seconds) s, \(text)")
            let offset = Int64.random(in: -1_439...1_439, using: &random)
            let sign = offset < 0 ? "-" : "+"
            let hours = offset.magnitude / 60
            let minutes = offset.magnitude % 60
            let shifted = RFC3339.format(time + offset * 60_000).dropLast()
            // Format clamps, so compare only instants whose local time has a four-digit year.
            guard (-62_167_219_200...253_402_300_799).contains(seconds + offset * 60) else {
                continue
            }
            let zoned =
                "\(shifted)\(sign)\(hours < 10 ? "0" : "")\(hours):"
                + "\(minutes < 10 ? "0" : "")\(minutes)"
            #expect(RFC3339.parse(zoned) == time, "seed \(seed), \(zoned)")
        }
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"),
            (999, "1970-01-01T00:00:00Z"),
            (-1_000, "1969-12-31T23:59:59Z"), (-1_001, "1969-12-31T23:59:58Z"),
            (1_774_445_101_999, "2026-03-25T13:25:01Z"), (.max, "9999-12-31T23:59:59Z"),
            (.min, "0000-01-01T00:00:00Z"),
        ] as [(Int64, String)])
    func `instants print without their fraction, clamped to four digits of year`(
        milliseconds: Int64, text: String
    ) {
        #expect(RFC3339.format(UnixTime(milliseconds: milliseconds)) == text)
    }

    @Test func `minutes print to the minute`() {
        #expect(RFC3339.format(Minute(29_574_085)) == "2026-03-25T13:25")
        #expect(RFC3339.format(Minute(0)) == "1970-01-01T00:00")
        #expect(RFC3339.format(Minute(-1)) == "1969-12-31T23:59")
    }
}
