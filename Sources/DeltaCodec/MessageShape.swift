internal import DeltaProtocol

/// The nesting of a message, and how often each field may occur. It is checked before a general
/// decoder allocates anything.
///
/// Protocol Buffers allow any field to repeat. A general decoder would then build a message object
/// for every two bytes, or grow a column by one entry at each of a million pieces.
struct MessageShape: Sendable {
    /// For error messages.
    var name: String
    /// The maximum number of occurrences of each repeated length-delimited field.
    var repeated: [Int: Int] = [:]
    /// The fields that are messages.
    var nested: [Int: MessageShape] = [:]
    /// The maximum number of JSON objects in the whole message.
    var maximumObjects = 0

    /// Nested messages: envelope, shard, columns; and one to spare.
    static let maximumDepth = 5
    /// Codes in a currency table: ISO 4217 has about 300, current and historic.
    static let maximumCurrencies = 1_024

    static let columns = MessageShape(name: "BucketColumns", repeated: [1: maximumCurrencies])

    static let request = MessageShape(
        name: "DeltaRequest",
        repeated: [
            6: Limits.shardsPerRequest, 7: Limits.shardsPerRequest, 8: Limits.outcomesPerRequest,
        ],
        nested: [
            7: MessageShape(name: "ShardDelta", nested: [11: columns, 12: columns, 18: columns]),
            8: MessageShape(
                name: "CommandOutcome", nested: [2: MessageShape(name: "Published")]),
        ],
        maximumObjects: objects(shards: Limits.shardsPerRequest)
            + Limits.outcomesPerRequest * (Limits.commandIDBytes + Limits.problemBytes))

    static let reply = MessageShape(
        name: "DeltaReply",
        repeated: [1: Limits.shardsPerRequest, 3: Limits.commandsPerReply],
        nested: [
            3: MessageShape(name: "Command", nested: [2: MessageShape(name: "BucketCorrection")])
        ],
        maximumObjects: objects(shards: Limits.shardsPerRequest)
            + Limits.commandsPerReply * (Limits.commandIDBytes + 2 * Limits.reasonBytes))

    static let statuses = MessageShape(
        name: "ShardStatuses", repeated: [1: DeltaCodec.maximumStatuses],
        nested: [
            1: MessageShape(
                name: "ShardStatus",
                nested: [7: MessageShape(name: "Values", nested: [1: columns, 2: columns])])
        ],
        maximumObjects: objects(shards: DeltaCodec.maximumStatuses))

    /// A shard has at most ten objects; the envelope has three, and two for each command or
    /// outcome. Braces in strings take from the rest.
    private static func objects(shards: Int) -> Int { 11 * shards + 256 }

    /// Walks the tags of a message in the binary form and skips the content of packed columns.
    func checkBinary(_ bytes: UnsafeRawBufferPointer) throws(DeltaCodecError) {
        var reader = TagReader(bytes)
        var seen: UInt64 = 0
        var counts: [Int: Int] = [:]
        while let field = try reader.next() {
            guard let content = field.content, field.number < UInt64.bitWidth else { continue }
            if let limit = repeated[field.number] {
                counts[field.number, default: 0] += 1
                guard counts[field.number, default: 0] <= limit else {
                    throw DeltaCodecError(
                        .tooLarge, "expected at most \(limit) of field \(field.number) in \(name)")
                }
            } else {
                let bit: UInt64 = 1 << UInt64(field.number)
                guard seen & bit == 0 else {
                    throw DeltaCodecError(
                        .undecodable, "expected field \(field.number) once in \(name)")
                }
                seen |= bit
            }
            try nested[field.number]?.checkBinary(content)
        }
    }

    /// Counts braces, each of which could open an object.
    func checkJSON(_ bytes: UnsafeRawBufferPointer) throws(DeltaCodecError) {
        var objects = 0
        for byte in bytes where byte == UInt8(ascii: "{") { objects += 1 }
        guard objects <= maximumObjects else {
            throw DeltaCodecError(.tooLarge, "expected at most \(maximumObjects) objects")
        }
    }
}

/// Reads the fields of one message in the binary form, without interpreting them.
private struct TagReader {
    struct Field {
        var number: Int
        /// The bytes of a length-delimited field; nil for numbers.
        var content: UnsafeRawBufferPointer?
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Nil at the end.
    mutating func next() throws(DeltaCodecError) -> Field? {
        guard position < bytes.count else { return nil }
        let tag = try varint()
        guard tag >> 3 >= 1, tag >> 3 < 1 << 29 else { throw Self.malformed }
        var field = Field(number: Int(tag >> 3), content: nil)
        switch tag & 7 {
        case 0: _ = try varint()
        case 1: _ = try take(8)
        case 2: field.content = try take(varint())
        case 5: _ = try take(4)
        default: throw Self.malformed
        }
        return field
    }

    private mutating func take(_ count: UInt64) throws(DeltaCodecError) -> UnsafeRawBufferPointer {
        guard count <= UInt64(bytes.count - position) else { throw Self.malformed }
        let start = position
        position += Int(count)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    }

    private mutating func varint() throws(DeltaCodecError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < bytes.count else { throw Self.malformed }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw Self.malformed
    }

    private static let malformed = DeltaCodecError(.undecodable, "expected Protocol Buffers")
}
