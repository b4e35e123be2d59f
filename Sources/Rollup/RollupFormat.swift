internal import CivilTime
internal import Money

/// How rows are written.
package enum RollupFormat: String, Sendable, CaseIterable {
    /// A header line, then one line a row.
    case csv
    /// An array with one object a row, each on a line of its own.
    case json

    /// All of `rows`, ended by a newline.
    package func render(_ rows: [RollupResult.Row]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(rows.count * Self.rowBytes + Self.rowBytes)
        switch self {
        case .csv:
            text.append(contentsOf: "currency,minute,settled,transfers\n".utf8)
            for row in rows {
                text.append(
                    contentsOf: """
                        \(row.currency.code),\(name(row.minuteStart)),\(row.settled),\
                        \(row.transfers)

                        """.utf8)
            }
        case .json:
            text.append(0x5B)
            for (index, row) in rows.enumerated() {
                text.append(
                    contentsOf: """
                        \(index == 0 ? "" : ",")
                        {"currency":"\(row.currency.code)","minute":"\(name(row.minuteStart))",\
                        "settled":\(row.settled),"transfers":\(row.transfers)}
                        """.utf8)
            }
            text.append(contentsOf: "\n]\n".utf8)
        }
        return text
    }

    /// `YYYY-MM-DDTHH:MM`.
    private func name(_ minuteStart: UnixTime) -> Substring {
        RFC3339.format(minuteStart).prefix(16)
    }

    private static let rowBytes = 96
}
