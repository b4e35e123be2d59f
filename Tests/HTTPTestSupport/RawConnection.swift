import Dispatch
import Glibc
import Synchronization

/// One TCP connection to a server on this machine that sends exactly the given bytes. Blocking
/// calls run on the connection's own queue, because a test that blocked a cooperative thread
/// could stop the server that it waits for.
package final class RawConnection: Sendable {
    private let socket: Int32
    private let queue = DispatchQueue(label: "raw connection")
    /// Bytes that arrived after the last result.
    private let unread = Mutex<[UInt8]>([])

    /// How long a send or a receive waits before it fails.
    private static let timeoutSeconds = 20

    /// - Parameter receiveBytes: the kernel's receive buffer, before the kernel doubles it; nil for
    ///   the default.
    package init(port: Int, receiveBytes: Int32? = nil) throws(RawHTTPError) {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var receiveBytes {
            let size = socklen_t(MemoryLayout<Int32>.size)
            setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &receiveBytes, size)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw .cannotConnect(errno) }
        var limit = timeval(tv_sec: Self.timeoutSeconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    }

    deinit { close(socket) }

    /// Sends the bytes; stops without an error if the server has closed the connection.
    package func send(_ bytes: [UInt8]) async {
        await onQueue { [socket] in
            var sent = 0
            while sent < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Glibc.send(
                        socket, $0.baseAddress! + sent, bytes.count - sent,
                        Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return }
                sent += count
            }
        }
    }

    package func send(_ text: String) async { await send(Array(text.utf8)) }

    /// Reads one response. `hasBody` is false for answers to HEAD and for 304.
    package func response(hasBody: Bool = true) async throws(RawHTTPError) -> RawResponse {
        let before = unread.withLock { $0 }
        let (result, rest) = await onQueue { [socket] in
            Self.readResponse(socket, hasBody: hasBody, before: before)
        }
        unread.withLock { $0 = rest }
        return try result.get()
    }

    /// Reads until the text arrives, and returns everything up to its end.
    package func read(through text: String) async throws(RawHTTPError) -> String {
        let before = unread.withLock { $0 }
        let end = Array(text.utf8)
        let (found, rest) = await onQueue { [socket] () -> (String?, [UInt8]) in
            var bytes = before
            while true {
                if let range = bytes.firstRange(of: end) {
                    return (
                        String(decoding: bytes[..<range.upperBound], as: UTF8.self),
                        Array(bytes[range.upperBound...])
                    )
                }
                var buffer = [UInt8](repeating: 0, count: 65_536)
                let count = recv(socket, &buffer, buffer.count, 0)
                guard count > 0 else { return (nil, bytes) }
                bytes += buffer[..<count]
            }
        }
        unread.withLock { $0 = rest }
        guard let found else { throw .torn(String(decoding: rest, as: UTF8.self)) }
        return found
    }

    /// Closes the sending side.
    package func endSending() async {
        await onQueue { [socket] in _ = shutdown(socket, Int32(SHUT_WR)) }
    }

    /// Waits until the server closes the connection. Returns whether it did in time.
    package func isClosedByServer() async -> Bool {
        await onQueue { [socket] in
            while true {
                var buffer = [UInt8](repeating: 0, count: 4_096)
                let count = recv(socket, &buffer, buffer.count, 0)
                if count == 0 { return true }
                if count < 0 { return errno == ECONNRESET }
            }
        }
    }

    private func onQueue<Value: Sendable>(
        _ body: @escaping @Sendable () -> Value
    ) async -> Value {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: body()) }
        }
    }

    private static func readResponse(
        _ socket: Int32, hasBody: Bool, before: [UInt8]
    ) -> (Result<RawResponse, RawHTTPError>, rest: [UInt8]) {
        var bytes = before
        func readMore() -> Bool {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { return false }
            bytes += buffer[..<count]
            return true
        }
        func torn() -> (Result<RawResponse, RawHTTPError>, rest: [UInt8]) {
            (.failure(.torn(String(decoding: bytes, as: UTF8.self))), [])
        }
        var end = headEnd(bytes)
        while end == nil {
            guard readMore() else { return torn() }
            end = headEnd(bytes)
        }
        guard let end, var response = RawResponse(head: bytes[..<end]) else { return torn() }
        guard hasBody, let length = response["content-length"].flatMap({ Int($0) }) else {
            return (.success(response), Array(bytes[(end + 4)...]))
        }
        while bytes.count < end + 4 + length {
            guard readMore() else { return torn() }
        }
        response.body = Array(bytes[(end + 4)..<(end + 4 + length)])
        return (.success(response), Array(bytes[(end + 4 + length)...]))
    }

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (0...(bytes.count - 4)).first {
            bytes[$0..<($0 + 4)].elementsEqual([13, 10, 13, 10])
        }
    }
}

package enum RawHTTPError: Error {
    case cannotConnect(Int32)
    /// The connection ended or timed out; contains the bytes received so far.
    case torn(String)
}

/// A received response.
package struct RawResponse: Sendable {
    package var status: Int
    /// In the order of the response, names in lower case.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8] = []

    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The value of a header field, by its name in lower case; nil unless it occurs exactly once.
    package subscript(name: String) -> String? {
        let values = headers.filter { $0.name == name }.map(\.value)
        return values.count == 1 ? values[0] : nil
    }

    init?(head: ArraySlice<UInt8>) {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
            return nil
        }
        self.status = status
        headers = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            let value = line[colon...].dropFirst().drop { $0 == " " }
            return (String(line[..<colon]).lowercased(), String(value))
        }
    }
}
