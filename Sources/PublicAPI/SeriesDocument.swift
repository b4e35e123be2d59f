internal import CivilTime
internal import Money
internal import Publishing

/// The window, minute by minute.
struct SeriesDocument {
    let report: PublicReport
    let base: BaseReport

    /// `totals` has an amount with the base's decimals for each minute from `start_minute` on; null
    /// if the minute is not known or would reveal single transfers.
    var json: String {
        let start = Int64(report.currentMinute.number) - Int64(base.series.count) + 1
        var text = "{\"base_currency\":\"\(base.currency.code)\",\"start_minute\":\(start),"
        text.reserveCapacity(base.series.count * 16)
        text += "\"totals\":["
        var isFirst = true
        for amount in base.series {
            if !isFirst { text += "," }
            isFirst = false
            text +=
                amount.map { DecimalText.format(minorUnits: $0, of: base.currency) } ?? "null"
        }
        return text + "]}"
    }
}
