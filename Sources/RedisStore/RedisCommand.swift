/// A command in Redis's wire format: a count, then each argument with its length.
struct RedisCommand: ~Copyable {
    private var arguments = ByteWriter(capacity: 512)
    private(set) var count = 0

    init(_ texts: String...) {
        for text in texts { append(text) }
    }

    mutating func append(_ text: String) {
        begin(length: text.utf8.count)
        arguments.append(text)
        end()
    }

    mutating func append(_ packed: borrowing MessagePack) {
        begin(length: packed.count)
        arguments.append(packed.bytes)
        end()
    }

    /// The frame of `command` with `prefix` before its arguments, in two parts.
    func withFrame<Answer>(
        prefix: [String] = [],
        _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) throws -> Answer
    ) rethrows -> Answer {
        var head = ByteWriter()
        head.append(0x2A)
        head.append(decimal: Int64(prefix.count + count))
        head.append("\r\n")
        for text in prefix {
            head.append(0x24)
            head.append(decimal: Int64(text.utf8.count))
            head.append("\r\n")
            head.append(text)
            head.append("\r\n")
        }
        return try head.withBytes { first in
            try arguments.withBytes { second in try body(first, second) }
        }
    }

    private mutating func begin(length: Int) {
        arguments.append(0x24)
        arguments.append(decimal: Int64(length))
        arguments.append("\r\n")
    }

    private mutating func end() {
        arguments.append("\r\n")
        count += 1
    }
}
