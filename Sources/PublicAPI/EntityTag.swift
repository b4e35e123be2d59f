import Hashing

/// A strong entity tag: a hash of the body, so that replicas with the same body agree on it.
///
/// The compressed body is a different representation; its tag ends with `-gzip`.
struct EntityTag: Hashable, Sendable {
    /// Distinguishes bodies. Not secure against forgery, which cannot happen: all bodies are ours.
    let hash: FNV1a

    private static let gzipSuffix = Array("-gzip".utf8)
    private static let hashDigits = 16

    /// - Parameter body: the identity body. Its hash is the 64-bit FNV-1a.
    init(body: some Sequence<UInt8>) {
        hash = FNV1a.hash(body)
    }

    /// The tag in a header field, with quotes.
    func text(isGzip: Bool) -> String {
        return "\"\(hash.hexadecimal)\(isGzip ? "-gzip" : "")\""
    }

    /// Representations of one body.
    struct Forms: OptionSet {
        let rawValue: UInt8

        static let identity = Forms(rawValue: 1)
        static let gzip = Forms(rawValue: 2)
    }

    /// All lines of `If-None-Match`; only valid as long as the bytes.
    struct Condition {
        let bytes: UnsafeRawBufferPointer
        let first: Range<Int>
        /// Further lines: a list may be split over several (RFC 9110, section 5.3).
        let others: [Range<Int>]
    }

    /// The representations of this body that the client holds. The comparison is weak (RFC 9110,
    /// section 13.1.2).
    func held(in condition: Condition) -> Forms {
        let bytes = condition.bytes
        if condition.others.isEmpty, condition.first.count == 1,
            bytes[condition.first.lowerBound] == UInt8(ascii: "*")
        {
            return [.identity, .gzip]
        }
        var held = self.held(in: UnsafeRawBufferPointer(rebasing: bytes[condition.first]))
        for line in condition.others {
            held.formUnion(self.held(in: UnsafeRawBufferPointer(rebasing: bytes[line])))
        }
        return held
    }

    /// The same for one line; reads it up to the first syntax error.
    private func held(in condition: UnsafeRawBufferPointer) -> Forms {
        var held: Forms = []
        var at = 0
        while at < condition.count {
            switch condition[at] {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: ","):
                at += 1
            case UInt8(ascii: "W"):
                guard at + 1 < condition.count, condition[at + 1] == UInt8(ascii: "/") else {
                    return held
                }
                at += 2
            case UInt8(ascii: "\""):
                var end = at + 1
                while end < condition.count, condition[end] != UInt8(ascii: "\"") { end += 1 }
                guard end < condition.count else { return held }
                held.formUnion(form(opaque: condition[(at + 1)..<end]))
                at = end + 1
            default:
                return held
            }
        }
        return held
    }

    private func form(opaque: Slice<UnsafeRawBufferPointer>) -> Forms {
        guard opaque.count >= Self.hashDigits else { return [] }
        var value: UInt64 = 0
        for byte in opaque.prefix(Self.hashDigits) {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"):
                value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default:
                return []
            }
        }
        guard value == hash.value else { return [] }
        let rest = opaque.dropFirst(Self.hashDigits)
        if rest.isEmpty { return .identity }
        return rest.elementsEqual(Self.gzipSuffix) ? .gzip : []
    }
}
