internal import CivilTime
internal import HTTPListener
internal import Money
internal import Publishing

/// The breakdown: the parts of the total, and the facts that a reader needs to trust it.
struct BreakdownDocument {
    let report: PublicReport
    let base: BaseReport

    /// - Parameter total: the JSON of the five fields, with which the breakdown begins.
    func json(total: String) -> String {
        """
        \(total.dropLast()),"version":\(JSONText.quoted(report.version)),\
        "currencies":[\(currencies)],"other":\(other),"regions":[\(regions)],\
        "rates":\(rates),"degraded":[\(degraded)],\
        "corrections":\(account(\.corrections, counting: "buckets")),\
        "late":\(account(\.late)),"missed":\(account(\.missed)),"ahead":\(account(\.ahead))}
        """
    }

    private var currencies: String {
        zip(report.currencies, base.currencies).map { figure, converted in
            """
            {"currency":"\(figure.currency.code)","exponent":\(figure.currency.exponent),\
            "minor_units":\(figure.amount),"converted":\(amount(converted)),\
            "transfers":\(figure.transfers),"share":\(share(converted)),\
            "rate_date":\(text(report.rates?.days[figure.currency]))}
            """
        }.joined(separator: ",")
    }

    private var other: String {
        guard let other = report.other else { return "null" }
        return """
            {"currencies":\(other.currencies),"converted":\(amount(base.other)),\
            "transfers":\(other.transfers),"share":\(share(base.other))}
            """
    }

    private var regions: String {
        zip(report.regions, base.regions).map { standing, converted in
            """
            {"id":\(JSONText.quoted("\(standing.region)")),"converted":\(amount(converted)),\
            "share":\(share(converted)),"observed_through":\(time(standing.observedThrough)),\
            "state":"\(standing.state.rawValue)"}
            """
        }.joined(separator: ",")
    }

    private var rates: String {
        guard let rates = report.rates else { return "null" }
        // Relative to the time of the data, not the clock, so that replicas agree.
        let age = RFC3339.parse("\(rates.date)T00:00:00Z").map { day in
            "\(max(0, (report.dataAsOf.milliseconds - day.milliseconds) / 1_000))"
        }
        return """
            {"id":\(JSONText.quoted(rates.id)),"source":\(JSONText.quoted(rates.source)),\
            "date":\(JSONText.quoted(rates.date)),"age_seconds":\(age ?? "null"),\
            "is_stale":\(rates.isStale),"rounding":\(JSONText.quoted(rates.rounding)),\
            "held":[\(rates.held.map(held).joined(separator: ","))]}
            """
    }

    private func held(_ held: HeldRate) -> String {
        """
        {"currency":"\(held.currency.code)","reason":\(JSONText.quoted(held.reason)),\
        "rate":"\(held.rate)","date":\(JSONText.quoted(held.day)),\
        "offered_rate":\(text(held.offered?.description)),\
        "offered_date":\(text(held.offeredDay)),\
        "share":\(share(of: [held.currency.code]))}
        """
    }

    private var degraded: String {
        report.degradations.map { degradation in
            let region = degradation.region.map { JSONText.quoted("\($0)") } ?? "null"
            let currencies = degradation.currencies.map(JSONText.quoted).joined(separator: ",")
            return """
                {"reason":\(JSONText.quoted(degradation.reason)),"region":\(region),\
                "currencies":[\(currencies)],"share":\(share(touchedBy: degradation))}
                """
        }.joined(separator: ",")
    }

    private func account(
        _ account: KeyPath<Accounts, [AccountFigure]?>, counting name: String = "transfers"
    ) -> String {
        guard let found = report.accounts[keyPath: account] else { return "null" }
        let figures = found.map { figure in
            """
            {"region":\(JSONText.quoted("\(figure.region)")),\
            "currency":"\(figure.currency.code)","exponent":\(figure.currency.exponent),\
            "minor_units":\(figure.amount.map(String.init) ?? "null"),"\(name)":\(figure.count)}
            """
        }.joined(separator: ",")
        return "[\(figures)]"
    }

    private func amount(_ converted: Int128?) -> String {
        converted.map { DecimalText.format(minorUnits: $0, of: base.currency) } ?? "null"
    }

    private func share(_ converted: Int128?) -> String {
        converted.flatMap { ShareText.format($0, of: base.total) } ?? "null"
    }

    /// The share of the total that was converted from these currencies; null if one of them is not
    /// shown separately or not converted.
    private func share(of codes: [String]) -> String {
        let parts = codes.map { code in
            zip(report.currencies, base.currencies).first { $0.0.currency.code == code }?.1
        }
        let known = parts.compactMap(\.self)
        return share(known.count == parts.count ? known.reduce(0, +) : nil)
    }

    /// The share of the total that a degradation affects: that of its region or currencies, or the
    /// whole. Money without a rate is not part of the total.
    private func share(touchedBy degradation: ReportedDegradation) -> String {
        if let region = degradation.region {
            let parts = zip(report.regions, base.regions)
            return share(parts.first { $0.0.region == region }?.1)
        }
        return degradation.currencies.isEmpty
            ? share(base.total) : share(of: degradation.currencies)
    }

    private func text(_ text: String?) -> String { text.map(JSONText.quoted) ?? "null" }

    private func time(_ time: UnixTime?) -> String {
        time.map { "\"\(RFC3339.format($0))\"" } ?? "null"
    }
}
