package import Hummingbird
internal import NIOCore

/// Limits for reading a request's body.
package struct BodyLimits: Sendable {
    /// The largest body that is accepted.
    package var bytesMax: Int
    /// How much more of a larger body is read and discarded, so that the client, which is still
    /// sending, gets the answer. After that the connection is closed.
    package var discardedBytesMax = 16 << 20
    /// For the whole body.
    package var duration: Duration = .seconds(60)

    package init(bytesMax: Int) { self.bytesMax = bytesMax }
}

/// Why a body was not accepted.
package enum BodyError: Error {
    /// It is larger than the limit. `isRead` says whether all of it was read.
    case tooLarge(isRead: Bool)
    /// It did not arrive in time.
    case tooSlow
    /// The caller has no memory left for it.
    case noRoom
    /// The connection broke before its end.
    case broken
}

extension Request {
    /// Reads the whole body chunk by chunk within the limits, whatever length it declares.
    ///
    /// - Parameter mayHold: called with the size of each chunk before it is kept; false ends the
    ///   reading with `noRoom`.
    package func body(
        within limits: BodyLimits, mayHold: (Int) -> Bool = { _ in true }
    ) async throws(BodyError) -> ByteBuffer {
        let deadline = ContinuousClock.now + limits.duration
        var whole = ByteBuffer()
        var size = 0
        do {
            for try await var chunk in body {
                size += chunk.readableBytes
                if size <= limits.bytesMax {
                    guard mayHold(chunk.readableBytes) else { throw BodyError.noRoom }
                    whole.writeBuffer(&chunk)
                } else {
                    whole.clear(minimumCapacity: 0)
                }
                if size - limits.bytesMax > limits.discardedBytesMax {
                    throw BodyError.tooLarge(isRead: false)
                }
                if ContinuousClock.now > deadline { throw BodyError.tooSlow }
            }
        } catch let error as BodyError {
            throw error
        } catch {
            throw .broken
        }
        guard size <= limits.bytesMax else { throw .tooLarge(isRead: true) }
        return whole
    }
}

extension Response {
    /// The response, after which the connection is closed even if the client is still sending.
    package func closingConnection() -> Response {
        struct Closed: Error {}
        var closing = self
        closing.headers[.connection] = "close"
        let body = closing.body
        closing.body = ResponseBody(contentLength: body.contentLength) { writer in
            try await body.write(writer)
            // An error after the last write ends the connection.
            throw Closed()
        }
        return closing
    }
}
