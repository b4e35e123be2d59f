import CivilTime
import Foundation
import Testing
import TransferGenerator

@Suite struct MalformationTests {
    static func malformed(_ count: Int) -> [(Malformation, [UInt8], GeneratedEvent)] {
        var configuration = TransferGeneratorTests.configuration(count)
        configuration.shares.repeats = 0
        configuration.shares.malformed = GeneratorConfiguration.sharesTotal
        let generator = TransferGenerator(configuration)
        return (0..<count).compactMap { position in
            var bytes: [UInt8] = []
            let event = generator.append(position, to: &bytes)
            guard case .malformed(let malformation) = event.kind else { return nil }
            return (malformation, bytes, event)
        }
    }

    @Test func `every kind of bad record occurs about equally often`() {
        let counts = Self.malformed(16_000).reduce(into: [:]) { $0[$1.0, default: 0] += 1 }
        #expect(counts.count == Malformation.allCases.count)
        #expect(counts.values.allSatisfy { abs($0 - 1_000) < 150 })
    }

    @Test func `a strict reader accepts no bad record`() {
        for (malformation, bytes, event) in Self.malformed(2_000) {
            let sound = Self.isSound(bytes)
            #expect(sound == (malformation == .future), "\(String(decoding: bytes, as: UTF8.self))")
            #expect((bytes.count > 65_536) == (malformation == .oversize))
            if malformation == .future {
                let ahead = event.settledAt.milliseconds - event.recordTime.milliseconds
                #expect(ahead > 3_590_000 && ahead <= 3_600_000)
            }
        }
    }

    /// Checks the record contract independently: exactly four members of the right types, each
    /// once.
    static func isSound(_ bytes: [UInt8]) -> Bool {
        guard bytes.count <= 65_536, let text = String(validating: bytes, as: UTF8.self),
            let json = try? JSONSerialization.jsonObject(with: Data(bytes)),
            let object = json as? [String: Any], object.count == 4,
            let id = object["transfer_id"] as? String, (1...128).contains(id.utf8.count),
            let code = object["currency"] as? String, code.count == 3, code != "ZZQ",
            code == code.uppercased(),
            let time = object["settled_at_utc"] as? String, RFC3339.parse(time) != nil
        else { return false }
        // Checks numbers and repeated members by their text, because Foundation tolerates both.
        let amount = /"amount_minor_units":([1-9][0-9]*)[,}]/
        guard let match = text.firstMatch(of: amount), Int64(match.1) != nil else { return false }
        return text.matches(of: /"[a-z_]+":/).count == 4
    }
}
