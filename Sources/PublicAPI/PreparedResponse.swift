internal import Gzip
internal import NIOCore

/// One answer in all its forms, each complete except for the status line and the date. Immutable:
/// all connections of all threads share its bytes.
final class PreparedResponse: Sendable {
    /// The parts of a request that decide the form of its answer.
    struct Choice {
        var isHead = false
        var codings = AcceptedCodings()
        /// Only valid during the call.
        var condition: EntityTag.Condition?
    }

    /// The form chosen for a request.
    struct Answer {
        let status: ResponseStatus
        /// Everything after the status line and the date.
        let rest: ByteBuffer
    }

    private struct Form: Sendable {
        let bytes: ByteBuffer
        /// The length of the fields and the empty line.
        let headBytes: Int
    }

    private let status: ResponseStatus
    /// Nil if the answer has no tag.
    let tag: EntityTag?
    private let identity: Form
    private let gzip: Form?
    /// The 304 answers; nil without a tag.
    private let unchanged: ByteBuffer?
    private let unchangedGzip: ByteBuffer?

    /// An answer with a body.
    /// - Parameters:
    ///   - fields: complete lines, without those that describe the body.
    ///   - isRevalidated: whether the answer has a tag, a 304 form and possibly a gzip form.
    init(
        _ status: ResponseStatus = .ok, contentType: String, fields: String, body: [UInt8],
        isRevalidated: Bool
    ) {
        self.status = status
        let type = "Content-Type: \(contentType)\r\n"
        func form(_ body: [UInt8], _ more: String) -> Form {
            let head = "\(type)Content-Length: \(body.count)\r\n\(more)\(fields)\r\n"
            var bytes = ByteBuffer()
            bytes.reserveCapacity(head.utf8.count + body.count)
            bytes.writeString(head)
            bytes.writeBytes(body)
            return Form(bytes: bytes, headBytes: head.utf8.count)
        }
        guard isRevalidated else {
            tag = nil
            identity = form(body, "")
            (gzip, unchanged, unchangedGzip) = (nil, nil, nil)
            return
        }
        let tag = EntityTag(body: body)
        self.tag = tag
        let compressed = Gzip.compress(body)
        func validator(isGzip: Bool) -> String {
            """
            ETag: \(tag.text(isGzip: isGzip))\r
            Access-Control-Expose-Headers: ETag\r
            Vary: Accept-Encoding\r

            """
        }
        func notModified(isGzip: Bool) -> ByteBuffer {
            ByteBuffer(string: "\(validator(isGzip: isGzip))\(fields)\r\n")
        }
        identity = form(body, validator(isGzip: false))
        unchanged = notModified(isGzip: false)
        gzip = compressed.map { form($0, "Content-Encoding: gzip\r\n" + validator(isGzip: true)) }
        unchangedGzip = compressed == nil ? nil : notModified(isGzip: true)
    }

    convenience init(
        _ status: ResponseStatus = .ok, contentType: String, fields: String, body: String,
        isRevalidated: Bool
    ) {
        self.init(
            status, contentType: contentType, fields: fields, body: Array(body.utf8),
            isRevalidated: isRevalidated)
    }

    /// The form for a request.
    func answer(_ choice: Choice) -> Answer {
        if let unchanged = unchanged(choice) {
            return Answer(status: .notModified, rest: unchanged)
        }
        let form = choice.codings.prefersGzip ? gzip ?? identity : identity
        guard choice.isHead else { return Answer(status: status, rest: form.bytes) }
        let head = form.bytes.getSlice(at: form.bytes.readerIndex, length: form.headBytes)
        return Answer(status: status, rest: head ?? form.bytes)
    }

    /// The 304 for a form that the client holds and accepts, preferably the one that it would get;
    /// nil if there is none.
    private func unchanged(_ choice: Choice) -> ByteBuffer? {
        guard let condition = choice.condition, let tag else { return nil }
        var held = tag.held(in: condition)
        let codings = choice.codings
        let choosesGzip = codings.prefersGzip && unchangedGzip != nil
        if !codings.allowsGzip { held.remove(.gzip) }
        if choosesGzip, !codings.allowsIdentity { held.remove(.identity) }
        let plain = held.contains(.identity) ? unchanged : nil
        let compressed = held.contains(.gzip) ? unchangedGzip : nil
        return choosesGzip ? compressed ?? plain : plain ?? compressed
    }
}
