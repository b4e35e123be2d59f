package import Hummingbird
internal import NIOCore

/// How much of a request's body is taken.
package struct BodyLimits: Sendable {
    /// The largest body that is accepted.
    package var bytesMax: Int
    /// Of a larger one, how much more is read and thrown away so that the client, still sending,
    /// hears why; after it the connection is closed.
    package var discardedBytesMax = 16 << 20
    /// For the whole body.
    package var duration: Duration = .seconds(60)

    package init(bytesMax: Int) { self.bytesMax = bytesMax }
}

/// Why a body was not taken.
package enum BodyError: Error {
    /// It is larger than the limit. `isRead` says whether its end was found.
    case tooLarge(isRead: Bool)
    /// It did not come in time.
    case tooSlow
    /// The caller has no memory left for it.
    case noRoom
    /// The connection broke amid it.
    case broken
}

extension Request {
    /// The body in one piece, chunk by chunk under the limits, whatever length it declared.
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
    /// The response after which the connection is closed, with what the client has not sent yet.
    package func closingConnection() -> Response {
        struct Closed: Error {}
        var closing = self
        closing.headers[.connection] = "close"
        let body = closing.body
        closing.body = ResponseBody(contentLength: body.contentLength) { writer in
            try await body.write(writer)
            // What a handler throws after it has written ends the connection.
            throw Closed()
        }
        return closing
    }
}
