import CivilTime
import DeltaProtocol
import Federation
import Hashing
import Identifiers
import Money
import Publishing
import Testing
import Topology

@Suite struct CheckpointCodecTests {
    static let currencies = ["BHD", "EUR", "JPY", "USD", "ZAR"].map { Currency(code: $0)! }

    /// A checkpoint that holds every kind of value there is.
    static func checkpoint(
        isWhole: Bool, using random: inout SplitMix64
    ) -> PublicationCheckpoint {
        var regions: [PublicationCheckpoint.RegionState] = []
        for name in ["ap-south", "eu-west", "us-east"].prefix(Int.random(in: 0...3, using: &random))
        {
            regions.append(region(RegionID(name)!, isWhole: isWhole, using: &random))
        }
        let current = Int32.random(in: 29_000_000..<30_000_000, using: &random)
        return PublicationCheckpoint(
            isWhole: isWhole,
            takenAt: UnixTime(
                milliseconds: Int64.random(in: -5...1_900_000_000_000, using: &random)),
            position: StorePosition(
                storeID: ["", "a", "0123456789abcdef", "Ünï"].randomElement(using: &random)!,
                version: Int64.random(in: .min ... .max, using: &random)),
            currentMinute: Minute(current),
            dataAsOf: UnixTime(milliseconds: Int64.random(in: .min ... .max, using: &random)),
            greatestObservedThrough: UnixTime(milliseconds: Int64(current) * 60_000),
            regions: regions)
    }

    private static func region(
        _ id: RegionID, isWhole: Bool, using random: inout SplitMix64
    ) -> PublicationCheckpoint.RegionState {
        func optional<Value>(_ value: Value) -> Value? {
            Bool.random(using: &random) ? value : nil
        }
        var minute: Int32 = Int32.random(in: -3_000...30_000_000, using: &random)
        var minutes: [PublicationCheckpoint.MinuteValues] = []
        for _ in 0..<Int.random(in: 0..<6, using: &random) {
            minute += Int32.random(in: 1...400, using: &random)
            let named = currencies.filter { _ in Bool.random(using: &random) }
            let values = (named.isEmpty && isWhole ? [currencies[0]] : named).map {
                RegionMinute.CurrencyValue(
                    currency: $0,
                    value: BucketValue(
                        settled: Int64.random(in: -(1 << 61)...(1 << 61), using: &random),
                        transfers: Int64.random(in: 0...(1 << 61), using: &random),
                        correction: Bool.random(using: &random)
                            ? 0 : Int64.random(in: -(1 << 61)...(1 << 61), using: &random)))
            }
            minutes.append(.init(minute: Minute(minute), values: values))
        }
        return PublicationCheckpoint.RegionState(
            region: id, observedThrough: optional(UnixTime(milliseconds: 1_774_445_280_123)),
            recoveringSince: optional(Minute(29_574_088)),
            partitionCounts: [.init(log: LogID("main")!, count: 1_024)],
            marks: (0..<Int32.random(in: 0..<4, using: &random)).map {
                .init(
                    log: LogID("main")!, partition: $0,
                    watermark: Int64.random(in: 0 ... .max, using: &random),
                    completeFrom: Minute(.min))
            }, minutes: minutes)
    }

    /// A file of a whole checkpoint and some of changes, and what it holds after each frame, by the
    /// number of bytes at which it ends.
    static func file(
        seed: UInt64, changes: Int
    ) -> (bytes: [UInt8], states: [(end: Int, checkpoint: PublicationCheckpoint)]) {
        var random = SplitMix64(seed: seed)
        var state = checkpoint(isWhole: true, using: &random)
        var (bytes, chain) = CheckpointCodec.encode(whole: state)
        var states = [(bytes.count, state)]
        for _ in 0..<changes {
            let next = checkpoint(isWhole: false, using: &random)
            bytes += CheckpointCodec.encode(changes: next, chain: &chain)
            state.apply(next)
            states.append((bytes.count, state))
        }
        return (bytes, states)
    }

    @Test("A written file decodes to the same state, changes applied", arguments: UInt64(0)..<200)
    func roundTrip(seed: UInt64) throws {
        let (bytes, states) = Self.file(seed: seed, changes: Int(seed % 4))
        let decoded = try CheckpointCodec.decode(bytes)
        #expect(decoded.checkpoint == states.last?.checkpoint, "seed \(seed)")
        #expect(decoded.changes == Int(seed % 4))
        #expect(decoded.ignoredBytes == 0)
    }

    @Test("A file cut anywhere decodes to its last valid frame, or is refused")
    func truncation() throws {
        for seed in UInt64(0)..<6 {
            let (bytes, states) = Self.file(seed: seed, changes: 3)
            for length in 0..<bytes.count {
                let sound = states.last { $0.end <= length }
                let decoded = try? CheckpointCodec.decode(Array(bytes.prefix(length)))
                #expect(decoded?.checkpoint == sound?.checkpoint, "seed \(seed), \(length) bytes")
                if let sound { #expect(decoded?.ignoredBytes == length - sound.end) }
            }
        }
    }

    @Test("Flipping any single bit never yields wrong data")
    func flippedBits() throws {
        for seed in UInt64(0)..<3 {
            let (bytes, states) = Self.file(seed: seed, changes: 2)
            for place in bytes.indices {
                for bit in 0..<8 {
                    var damaged = bytes
                    damaged[place] ^= 1 << bit
                    let decoded = try? CheckpointCodec.decode(damaged)
                    let sound = states.last { $0.end <= place }
                    #expect(decoded?.checkpoint == sound?.checkpoint, "seed \(seed), byte \(place)")
                }
            }
        }
    }

    @Test("Other files, other versions and mixed files are detected")
    func foreign() {
        let (bytes, states) = Self.file(seed: 1, changes: 2)
        #expect(throws: CheckpointProblem.foreign) { try CheckpointCodec.decode([]) }
        #expect(throws: CheckpointProblem.foreign) {
            try CheckpointCodec.decode(Array("REDIS0011".utf8))
        }
        #expect(throws: CheckpointProblem.otherVersion("2")) {
            try CheckpointCodec.decode(Array("tributary hq 2\n".utf8) + bytes.dropFirst(15))
        }
        #expect(throws: CheckpointProblem.otherVersion("17")) {
            try CheckpointCodec.decode(Array("tributary hq 17\nanything".utf8))
        }
        #expect(throws: CheckpointProblem.damaged) {
            try CheckpointCodec.decode(Array("tributary hq 1\n".utf8))
        }
        #expect(throws: CheckpointProblem.damaged) {
            try CheckpointCodec.decode(Array("tributary hq ".utf8))
        }
        // A frame of another file does not continue this one, nor may a later frame skip one.
        let (other, otherStates) = Self.file(seed: 2, changes: 1)
        let mixed = bytes.prefix(states[0].end) + other.dropFirst(otherStates[0].end)
        #expect((try? CheckpointCodec.decode(Array(mixed)))?.checkpoint == states[0].checkpoint)
        let skipped = bytes.prefix(states[0].end) + bytes.dropFirst(states[1].end)
        #expect((try? CheckpointCodec.decode(Array(skipped)))?.checkpoint == states[0].checkpoint)
    }

    @Test("Invalid payloads with a valid checksum are refused", arguments: 0..<40)
    func hostilePayloads(seed: UInt64) {
        let (bytes, states) = Self.file(seed: seed, changes: 0)
        var random = SplitMix64(seed: seed &* 977)
        let payload = 20..<(states[0].end - 8)
        for _ in 0..<400 {
            var hostile = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                hostile[Int.random(in: payload, using: &random)] =
                    [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random)
                    ?? UInt8.random(in: 0...255, using: &random)
            }
            Self.seal(&hostile)
            // Refused or read as another checkpoint; the test is that it neither traps nor hangs.
            if let decoded = try? CheckpointCodec.decode(hostile) {
                let (again, _) = CheckpointCodec.encode(whole: decoded.checkpoint)
                #expect((try? CheckpointCodec.decode(again))?.checkpoint == decoded.checkpoint)
            }
        }
    }

    /// Gives the only frame a valid checksum, by the documented rule.
    private static func seal(_ bytes: inout [UInt8]) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes.dropLast(8) { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
        for place in 0..<8 {
            bytes[bytes.count - 8 + place] = UInt8(truncatingIfNeeded: hash >> (8 * UInt64(place)))
        }
    }

    @Test("A whole day of three regions with 50 currencies stays small")
    func size() throws {
        let currencies = Currency.all.prefix(50)
        var random = SplitMix64(seed: 7)
        let first = Minute(29_574_088)
        let regions = ["ap-south", "eu-west", "us-east"].map { name in
            PublicationCheckpoint.RegionState(
                region: RegionID(name)!, observedThrough: first.start, recoveringSince: nil,
                partitionCounts: [.init(log: LogID("main")!, count: 6)],
                marks: (0..<6).map {
                    .init(
                        log: LogID("main")!, partition: $0, watermark: 1_000_000,
                        completeFrom: first)
                },
                minutes: (0..<Limits.windowMinutes).map { minute in
                    .init(
                        minute: first.advanced(by: minute),
                        values: currencies.map {
                            // A few dozen transfers of some hundred units each.
                            .init(
                                currency: $0,
                                value: BucketValue(
                                    settled: Int64.random(in: 1_000...5_000_000, using: &random),
                                    transfers: Int64.random(in: 1...60, using: &random)))
                        })
                })
        }
        let checkpoint = PublicationCheckpoint(
            isWhole: true, takenAt: first.start,
            position: StorePosition(storeID: "0123456789abcdef0123456789abcdef", version: 1),
            currentMinute: first.advanced(by: Limits.windowMinutes - 1), dataAsOf: first.start,
            greatestObservedThrough: first.start,
            regions: regions)
        var bytes: [UInt8] = []
        let encoding = ContinuousClock().measure {
            (bytes, _) = CheckpointCodec.encode(whole: checkpoint)
        }
        var decoded: CheckpointCodec.Decoded?
        let decoding = try ContinuousClock().measure { decoded = try CheckpointCodec.decode(bytes) }
        #expect(decoded?.checkpoint == checkpoint)
        #expect(bytes.count < 2 << 20)
        print(
            "checkpoint of 216,000 values: \(bytes.count) bytes, encoded in \(encoding), ",
            "decoded in \(decoding)", separator: "")
    }
}
