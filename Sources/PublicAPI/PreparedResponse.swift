internal import Gzip
internal import NIOCore

/// One answer in every form in which it can be sent, each ready to be written in one piece.
/// Immutable: all connections of all threads share its bytes.
final class PreparedResponse: Sendable {
    /// What a client asked for, as far as it decides the form.
    struct Choice {
        var isHead = false
        var acceptsGzip = false
        /// The value of `If-None-Match`; only valid during the call.
        var condition: UnsafeRawBufferPointer?
    }

    private struct Form: Sendable {
        let bytes: ByteBuffer
        /// How many of them are the status line, the fields and the empty line.
        let headBytes: Int
    }

    /// Nil where the answer has no tag.
    let tag: EntityTag?
    private let identity: Form
    private let gzip: Form?
    /// The answers 304, where there is a tag.
    private let unchanged: ByteBuffer?
    private let unchangedGzip: ByteBuffer?

    /// An answer with a body.
    /// - Parameters:
    ///   - fields: whole lines, without the body's own fields.
    ///   - isRevalidated: whether it has a tag, can be answered 304 and may be compressed.
    init(
        _ status: ResponseStatus = .ok, contentType: String, fields: String, body: [UInt8],
        isRevalidated: Bool
    ) {
        let type = "Content-Type: \(contentType)\r\n"
        func form(_ body: [UInt8], _ more: String) -> Form {
            let head = "\(status.line)\(type)Content-Length: \(body.count)\r\n\(more)\(fields)\r\n"
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
            ByteBuffer(
                string:
                    "\(ResponseStatus.notModified.line)\(validator(isGzip: isGzip))\(fields)\r\n")
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

    /// The bytes that answer the choice.
    func bytes(_ choice: Choice) -> ByteBuffer {
        let form = choice.acceptsGzip ? gzip ?? identity : identity
        if let condition = choice.condition, let unchanged = unchanged(condition, choice) {
            return unchanged
        }
        guard choice.isHead else { return form.bytes }
        return form.bytes.getSlice(at: form.bytes.readerIndex, length: form.headBytes)
            ?? form.bytes
    }

    private func unchanged(
        _ condition: UnsafeRawBufferPointer, _ choice: Choice
    ) -> ByteBuffer? {
        switch tag?.match(in: condition) {
        case .identity: unchanged
        case .gzip: unchangedGzip
        case .any: choice.acceptsGzip ? unchangedGzip ?? unchanged : unchanged
        case nil: nil
        }
    }

    /// `response` with a field added that speaks of the connection.
    static func adding(connection value: String, to response: ByteBuffer) -> ByteBuffer {
        let view = response.readableBytesView
        guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else { return response }
        var bytes = ByteBuffer()
        bytes.reserveCapacity(response.readableBytes + 32)
        bytes.writeBytes(view[...end])
        bytes.writeString("Connection: \(value)\r\n")
        bytes.writeBytes(view[view.index(after: end)...])
        return bytes
    }
}
