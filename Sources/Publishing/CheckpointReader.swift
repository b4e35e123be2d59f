import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import Topology

/// Reads what `CheckpointWriter` wrote, and refuses everything else.
struct CheckpointReader {
    /// The text of a store's id is shorter.
    private static let textBytesMax = 256
    /// A region's sum over all its shards stays below this, so two of them fit an `Int64`.
    private static let magnitudeMax: UInt64 = 1 << 62

    private let bytes: ArraySlice<UInt8>
    private var at: Int
    private var currencies: [Currency] = []

    static func read(
        _ payload: ArraySlice<UInt8>, isWhole: Bool
    ) throws(CheckpointProblem) -> PublicationCheckpoint {
        var reader = CheckpointReader(bytes: payload, at: payload.startIndex)
        let checkpoint = try reader.checkpoint(isWhole: isWhole)
        guard reader.at == payload.endIndex else { throw .malformed("bytes after the end") }
        return checkpoint
    }

    private init(bytes: ArraySlice<UInt8>, at: Int) {
        self.bytes = bytes
        self.at = at
    }

    private mutating func checkpoint(isWhole: Bool) throws(CheckpointProblem)
        -> PublicationCheckpoint
    {
        let takenAt = UnixTime(milliseconds: try signed())
        let position = StorePosition(storeID: try text(), version: try signed())
        let current = try minute()
        let dataAsOf = UnixTime(milliseconds: try signed())
        let greatest = UnixTime(milliseconds: try signed())
        for _ in 0..<(try count(bytesEach: 3)) {
            guard let currency = Currency(code: text(try take(3))),
                currencies.last.map({ $0 < currency }) ?? true
            else { throw .malformed("currency") }
            currencies.append(currency)
        }
        var regions: [PublicationCheckpoint.RegionState] = []
        for _ in 0..<(try count(bytesEach: 6)) {
            let region = try self.region(isWhole: isWhole)
            guard regions.last.map({ $0.region < region.region }) ?? true else {
                throw .malformed("order of regions")
            }
            regions.append(region)
        }
        return PublicationCheckpoint(
            isWhole: isWhole, takenAt: takenAt, position: position, currentMinute: current,
            dataAsOf: dataAsOf, greatestObservedThrough: greatest, regions: regions)
    }

    private mutating func region(
        isWhole: Bool
    ) throws(CheckpointProblem) -> PublicationCheckpoint.RegionState {
        guard let id = RegionID(try text()) else { throw .malformed("region") }
        var region = PublicationCheckpoint.RegionState(
            region: id, observedThrough: try optional().map(UnixTime.init(milliseconds:)),
            recoveringSince: nil, partitionCounts: [], marks: [], minutes: [])
        if try flag() { region.recoveringSince = try minute() }
        for _ in 0..<(try count(bytesEach: 3)) {
            region.partitionCounts.append(.init(log: try log(), count: try partition()))
        }
        for _ in 0..<(try count(bytesEach: 5)) {
            let mark = PublicationCheckpoint.ShardMark(
                log: try log(), partition: try partition(), watermark: try signed(),
                completeFrom: try minute())
            guard mark.watermark >= 0 else { throw .malformed("watermark") }
            region.marks.append(mark)
        }
        var previous: Int64?
        let count = try self.count(bytesEach: 2)
        region.minutes.reserveCapacity(count)
        for _ in 0..<count {
            let (number, overflow) = (previous ?? 0).addingReportingOverflow(try signed())
            guard !overflow, let minute = Int32(exactly: number),
                previous.map({ $0 < number }) ?? true
            else { throw .malformed("order of minutes") }
            previous = number
            let values = try self.values()
            guard !isWhole || !values.isEmpty else { throw .malformed("empty minute") }
            region.minutes.append(.init(minute: Minute(minute), values: values))
        }
        return region
    }

    private mutating func values() throws(CheckpointProblem) -> [RegionMinute.CurrencyValue] {
        let count = try self.count(bytesEach: 3)
        var values: [RegionMinute.CurrencyValue] = []
        values.reserveCapacity(count)
        var previous = -1
        for _ in 0..<count {
            let tag = try unsigned()
            guard let place = Int(exactly: tag >> 1), place > previous, place < currencies.count
            else { throw .malformed("order of currencies") }
            previous = place
            var value = BucketValue(settled: try signed(), transfers: try signed())
            if tag & 1 == 1 { value.correction = try signed() }
            guard value.settled.magnitude < Self.magnitudeMax,
                value.correction.magnitude < Self.magnitudeMax, value.transfers >= 0
            else { throw .malformed("value") }
            values.append(.init(currency: currencies[place], value: value))
        }
        return values
    }

    // MARK: Parts

    private mutating func log() throws(CheckpointProblem) -> LogID {
        guard let log = LogID(try text()) else { throw .malformed("log") }
        return log
    }

    private mutating func partition() throws(CheckpointProblem) -> Int32 {
        guard let number = Int32(exactly: try signed()),
            (0...ShardID.maximumPartitions).contains(number)
        else { throw .malformed("partition") }
        return number
    }

    private mutating func minute() throws(CheckpointProblem) -> Minute {
        guard let number = Int32(exactly: try signed()) else { throw .malformed("minute") }
        return Minute(number)
    }

    private mutating func optional() throws(CheckpointProblem) -> Int64? {
        try flag() ? try signed() : nil
    }

    private mutating func flag() throws(CheckpointProblem) -> Bool {
        let byte = try unsigned()
        guard byte <= 1 else { throw .malformed("flag") }
        return byte == 1
    }

    private mutating func text() throws(CheckpointProblem) -> String {
        let count = try self.count(bytesEach: 1)
        guard count <= Self.textBytesMax else { throw .malformed("text") }
        return text(try take(count))
    }

    private func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    private mutating func take(_ count: Int) throws(CheckpointProblem) -> ArraySlice<UInt8> {
        guard count <= bytes.endIndex - at else { throw .malformed("length") }
        defer { at += count }
        return bytes[at..<(at + count)]
    }

    /// How many of something follow, each of at least so many bytes: no more than there is room
    /// for, so that no number makes the reader allocate.
    private mutating func count(bytesEach: Int) throws(CheckpointProblem) -> Int {
        guard let count = Int(exactly: try unsigned()),
            count <= (bytes.endIndex - at) / bytesEach
        else { throw .malformed("count") }
        return count
    }

    private mutating func signed() throws(CheckpointProblem) -> Int64 {
        let value = try unsigned()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    private mutating func unsigned() throws(CheckpointProblem) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64 {
            guard at < bytes.endIndex else { throw .malformed("length") }
            let byte = bytes[at]
            at += 1
            // The tenth byte has room for only one bit.
            guard shift < 63 || byte <= 1 else { throw .malformed("number") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw .malformed("number")
    }
}
