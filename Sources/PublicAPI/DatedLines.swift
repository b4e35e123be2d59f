internal import NIOCore

/// The first lines of answers, with the field `Date` that every answer has (RFC 9110, section
/// 6.6.1). They are made once a second and status, and shared by all answers of it: an answer costs
/// one more piece to write, and no text. One owner, any thread.
struct DatedLines {
    private var second = Int.min
    private var date = ""
    /// Few at a time, the usual one first: a search is quicker than a table.
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
