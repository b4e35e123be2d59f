internal import CHiredis

/// A view of a Redis reply, or of a part of it. Valid only inside the closure that received it: its
/// memory is freed when the closure returns.
struct ReplyView {
    private let raw: UnsafePointer<redisReply>

    init(_ raw: UnsafePointer<redisReply>) { self.raw = raw }

    var isNil: Bool { raw.pointee.type == REDIS_REPLY_NIL }
    var isError: Bool { raw.pointee.type == REDIS_REPLY_ERROR }
    var isArray: Bool { raw.pointee.type == REDIS_REPLY_ARRAY }
    var isString: Bool {
        raw.pointee.type == REDIS_REPLY_STRING || raw.pointee.type == REDIS_REPLY_STATUS
    }

    /// The integer; nil if the reply has another type.
    var integer: Int64? {
        raw.pointee.type == REDIS_REPLY_INTEGER ? Int64(raw.pointee.integer) : nil
    }

    /// The bytes of a string, a status or an error; empty for anything else.
    var bytes: UnsafeRawBufferPointer {
        guard isString || isError, let start = raw.pointee.str else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(start: start, count: raw.pointee.len)
    }

    /// The text of a string; nil for anything else.
    var text: String? { isString ? String(decoding: bytes, as: UTF8.self) : nil }

    /// The elements of an array; 0 for anything else.
    var count: Int { isArray ? raw.pointee.elements : 0 }

    /// The element at `index`, which must be below `count`.
    subscript(index: Int) -> ReplyView {
        precondition(index >= 0 && index < count, "the element index is after the end")
        guard let element = raw.pointee.element[index] else {
            preconditionFailure("an array of hiredis holds a null element")
        }
        return ReplyView(element)
    }

    /// The array itself, if it has at least `least` elements.
    /// - Throws: `unexpectedReply` for anything else.
    func array(atLeast least: Int, doing: String) throws(RedisStoreError) -> ReplyView {
        guard isArray, count >= least else { throw RedisStoreError(.unexpectedReply, doing: doing) }
        return self
    }

    /// The strings of an array; elements of other types are omitted.
    var texts: [String] { (0..<count).compactMap { self[$0].text } }
}
