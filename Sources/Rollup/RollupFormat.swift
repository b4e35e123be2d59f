internal import CivilTime
internal import Money

/// The output format of rows.
package enum RollupFormat: String, Sendable, CaseIterable {
    /// A header line, then one line per row.
    case csv
    /// An array with one object per row, each on a separate line.
    case json

    /// Renders all `rows`, ending with a newline.
    package func render(_ rows: [RollupResult.Row]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(rows.count * Self.rowBytes + Self.rowBytes)
        // Rows are many, minutes and currencies few: format each of those once.
        var minutes: [UnixTime: [UInt8]] = [:]
        var codes: [Currency: [UInt8]] = [:]
        var isFirst = true
        text += prologue
        for row in rows {
            let code = codes.value(for: row.currency) { Array($0.code.utf8) }
            let minute = minutes.value(for: row.minuteStart, Self.name)
            switch self {
            case .csv:
                text += code
                text.append(0x2C)
                text += minute
                text.append(0x2C)
                text += row.settled.description.utf8
                text.append(0x2C)
                text += row.transfers.description.utf8
                text.append(0x0A)
            case .json:
                text += (isFirst ? "\n" : ",\n").utf8
                text += #"{"currency":""#.utf8
                text += code
                text += #"","minute":""#.utf8
                text += minute
                text += #"","settled":"#.utf8
                text += row.settled.description.utf8
                text += #","transfers":"#.utf8
                text += row.transfers.description.utf8
                text.append(0x7D)
            }
            isFirst = false
        }
        text += epilogue
        return text
    }

    /// Renders all `totals`, ending with a newline.
    package func render(totals: [RollupResult.Total]) -> [UInt8] {
        switch self {
        case .csv:
            let lines = totals.map { "\($0.currency.code),\($0.settled),\($0.transfers)\n" }
            return Array(("currency,settled,transfers\n" + lines.joined()).utf8)
        case .json:
            let objects = totals.map { total in
                #"{"currency":"\#(total.currency.code)","settled":\#(total.settled),"#
                    + #""transfers":\#(total.transfers)}"#
            }
            return Array(
                ("[" + objects.map { "\n" + $0 }.joined(separator: ",") + "\n]\n").utf8)
        }
    }

    private var prologue: String.UTF8View {
        switch self {
        case .csv: "currency,minute,settled,transfers\n".utf8
        case .json: "[".utf8
        }
    }

    private var epilogue: String.UTF8View {
        switch self {
        case .csv: "".utf8
        case .json: "\n]\n".utf8
        }
    }

    /// `YYYY-MM-DDTHH:MM`.
    private static func name(_ minuteStart: UnixTime) -> [UInt8] {
        Array(RFC3339.format(minuteStart).utf8.prefix(16))
    }

    private static let rowBytes = 96
}

extension Dictionary {
    /// The value of `key`, created and stored at its first use.
    fileprivate mutating func value(for key: Key, _ make: (Key) -> Value) -> Value {
        if let known = self[key] { return known }
        let made = make(key)
        self[key] = made
        return made
    }
}
