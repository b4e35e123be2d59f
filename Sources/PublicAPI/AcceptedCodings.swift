/// A client's preference between the plain and the gzip form of an answer, from all its lines of
/// `Accept-Encoding` (RFC 9110, section 12.5.3). Weights are in thousandths.
struct AcceptedCodings {
    /// Whether there is a line, even an empty one. Without any, the client accepts both forms.
    private(set) var isGiven = false
    private var gzip: Int?
    private var identity: Int?
    /// The weight of `*`, which covers every coding that is not listed.
    private var others: Int?

    private static let full = 1_000

    /// Whether the client accepts gzip.
    var allowsGzip: Bool { !isGiven || (gzip ?? others ?? 0) > 0 }

    /// Whether the client accepts the plain form: yes unless it refuses it.
    var allowsIdentity: Bool { (identity ?? others ?? Self.full) > 0 }

    /// Whether to send gzip: its weight is at least that of the plain form. A client that does not
    /// send the field gets the plain form, because some of these cannot read gzip.
    var prefersGzip: Bool {
        isGiven && allowsGzip && (gzip ?? others ?? 0) >= (identity ?? others ?? 0)
    }

    /// Adds the value of one line.
    mutating func note(_ bytes: UnsafeRawBufferPointer, _ value: Range<Int>) {
        isGiven = true
        var codings = self
        HTTPSyntax.forEachElement(bytes, value) { codings.note(element: $0, of: bytes) }
        self = codings
    }

    /// Ignores malformed elements; if a coding has two weights, the smaller one counts.
    private mutating func note(element: Range<Int>, of bytes: UnsafeRawBufferPointer) {
        var end = element.lowerBound
        while end < element.upperBound, bytes[end] != UInt8(ascii: ";") { end += 1 }
        var weight = Self.full
        if end < element.upperBound {
            let parameter = HTTPSyntax.trimmed(bytes, (end + 1)..<element.upperBound)
            guard let given = Self.weight(bytes, parameter) else { return }
            weight = given
        }
        let coding = HTTPSyntax.trimmed(bytes, element.lowerBound..<end)
        if HTTPSyntax.equals(bytes, coding, "gzip") || HTTPSyntax.equals(bytes, coding, "x-gzip") {
            gzip = min(gzip ?? weight, weight)
        } else if HTTPSyntax.equals(bytes, coding, "identity") {
            identity = min(identity ?? weight, weight)
        } else if HTTPSyntax.equals(bytes, coding, "*") {
            others = min(others ?? weight, weight)
        }
    }

    /// Parses `q=0.5`: 0 to 1, at most three decimal places. Nil for anything else.
    private static func weight(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
        let start = range.lowerBound
        guard (3...7).contains(range.count), bytes[start] | 0x20 == UInt8(ascii: "q"),
            bytes[start + 1] == UInt8(ascii: "="), bytes[start + 2] &- 0x30 <= 1
        else { return nil }
        var weight = Int(bytes[start + 2] - 0x30) * full
        guard range.count > 3 else { return weight }
        guard bytes[start + 3] == UInt8(ascii: ".") else { return nil }
        var place = full / 10
        for byte in bytes[(start + 4)..<range.upperBound] {
            guard byte &- 0x30 <= 9 else { return nil }
            weight += Int(byte - 0x30) * place
            place /= 10
        }
        return weight <= full ? weight : nil
    }
}
