internal import NIOCore

/// The status line and the field `Date`, which every answer needs (RFC 9110, section 6.6.1). Both
/// are formatted once per second and status and shared by all answers of that second, so an answer
/// costs one more write and no formatting. One owner, any thread.
struct DatedLines {
    private var second = Int.min
    private var date = ""
    /// Only a few statuses occur in a second, so a linear search is fastest.
    private var lines: [(status: ResponseStatus, bytes: ByteBuffer)] = []

    /// The status line and the date.
    /// - Parameter second: the present time, in seconds since 1970-01-01.
    mutating func line(_ status: ResponseStatus, second: Int) -> ByteBuffer {
        if second != self.second {
            self.second = second
            date = "Date: \(HTTPDate.text(seconds: max(second, 0)))\r\n"
            lines.removeAll(keepingCapacity: true)
        }
        for line in lines where line.status == status { return line.bytes }
        let bytes = ByteBuffer(string: status.line + date)
        lines.append((status, bytes))
        return bytes
    }
}
