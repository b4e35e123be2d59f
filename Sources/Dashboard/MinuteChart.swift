internal import CivilTime
internal import Money
internal import Publishing

/// The window's minutes as a chart: a line and its area, interrupted at unknown minutes.
///
/// One horizontal unit is one minute; the highest minute reaches the top.
struct MinuteChart {
    /// In ascending order; nil if a minute is not known.
    let series: [Int128?]

    static let height = 240
    /// Space at the top for the line's width.
    private static let margin = 6

    let highest: Int128
    let lowest: Int128

    init(series: [Int128?]) {
        self.series = series
        highest = series.reduce(0) { max($0, $1 ?? 0) }
        lowest = series.reduce(0) { min($0, $1 ?? 0) }
    }

    var width: Int { max(series.count, 1) }

    /// The first of the highest minutes; nil if nothing moved.
    var peak: (index: Int, value: Int128)? {
        guard highest > 0 else { return nil }
        return series.firstIndex { $0 == highest }.map { ($0, highest) }
    }

    /// Runs of known minutes, without the current one, which is drawn as a dot because it is still
    /// incomplete.
    var runs: [Range<Int>] { stretches(of: series.dropLast()) { $0 != nil } }

    /// Runs of unknown minutes.
    var gaps: [Range<Int>] { stretches(of: series[...]) { $0 == nil } }

    private func stretches(
        of minutes: ArraySlice<Int128?>, _ belongs: (Int128?) -> Bool
    ) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var start: Int?
        for (index, value) in minutes.enumerated() {
            if belongs(value) {
                start = start ?? index
            } else if let first = start {
                result.append(first..<index)
                start = nil
            }
        }
        if let start { result.append(start..<minutes.count) }
        return result
    }

    /// From the top, 0 to `height`.
    func y(_ value: Int128) -> Int {
        let range = highest - lowest
        guard range > 0 else { return Self.height }
        let span = Int128(Self.height - Self.margin)
        return Self.height - Int(Figures.rounded(value - lowest, times: span, over: range))
    }

    /// The line, with a new stroke for every run.
    var line: String {
        runs.map { run in
            var path = ""
            for index in run {
                let at = y(series[index] ?? 0)
                path += index == run.lowerBound ? "M\(index) \(at)" : "L\(index) \(at)"
            }
            // A single minute between two gaps would be an invisible point.
            if run.count == 1 { path += "h1" }
            return path
        }.joined()
    }

    /// The area between the line and zero.
    var area: String {
        let zero = y(0)
        return runs.map { run in
            var path = "M\(run.lowerBound) \(zero)"
            for index in run { path += "L\(index) \(y(series[index] ?? 0))" }
            let last = run.count == 1 ? run.lowerBound + 1 : run.upperBound - 1
            if run.count == 1 { path += "h1" }
            return path + "L\(last) \(zero)z"
        }.joined()
    }

    /// The unknown minutes, as areas from top to bottom.
    var gapArea: String {
        gaps.map { "M\($0.lowerBound) 0h\($0.count)v\(Self.height)h-\($0.count)z" }.joined()
    }
}

extension DashboardPage {
    /// The number of labels on the time axis: one every six hours.
    private static let ticks = 4

    func chart(_ main: inout Markup) {
        let chart = MinuteChart(series: base.series)
        let first = report.currentMinute.advanced(by: 1 - chart.width)
        main.element("section", ["class": "minutes", "aria-labelledby": "minutes-heading"]) {
            section in
            section.element("div", ["class": "section-head"]) { head in
                head.element("h2", ["id": "minutes-heading"], text: "Minute by minute")
                head.element("p", ["id": "peak", "data-part": ""], text: peakText(chart, first))
            }
            section.element("figure", ["id": "chart", "data-part": ""]) { figure in
                picture(chart, first, &figure)
                axis(chart, first, &figure)
                if !chart.gaps.isEmpty {
                    figure.element("figcaption", text: Self.gapText(chart))
                }
            }
        }
    }

    private func peakText(_ chart: MinuteChart, _ first: Minute) -> String {
        guard let peak = chart.peak else { return "Nothing moved" }
        let minute = TimeText.clock(first.advanced(by: peak.index))
        let amount = Figures.amount(peak.value, of: base.currency)
        return "Peak \(amount) \(base.currency.code) at \(minute) UTC"
    }

    private static func gapText(_ chart: MinuteChart) -> String {
        let missing = chart.gaps.reduce(0) { $0 + $1.count }
        return """
            Hatched: \(missing) \(missing == 1 ? "minute is" : "minutes are") not known, or \
            \(missing == 1 ? "has" : "have") too few transfers to be shown.
            """
    }

    private func picture(_ chart: MinuteChart, _ first: Minute, _ figure: inout Markup) {
        figure.element(
            "svg",
            [
                "class": "chart", "viewBox": "0 0 \(chart.width) \(MinuteChart.height)",
                "preserveAspectRatio": "none", "role": "img",
                "aria-labelledby": "chart-title chart-description",
            ]
        ) { svg in
            svg.element(
                "title", ["id": "chart-title"],
                text: "\(base.currency.code) moved in each minute of the last 24 hours")
            svg.element(
                "desc", ["id": "chart-description"],
                text: """
                    From \(TimeText.full(first.start)) to \
                    \(TimeText.clock(report.currentMinute)) UTC. \(peakText(chart, first)). \
                    \(chart.gaps.isEmpty ? "No minute is missing." : Self.gapText(chart)) \
                    The figures are in the series of the API.
                    """)
            gradient(&svg)
            for tick in 1..<Self.ticks {
                let x = chart.width * tick / Self.ticks
                svg.empty("path", ["class": "grid", "d": "M\(x) 0v\(MinuteChart.height)"])
            }
            if !chart.gaps.isEmpty {
                svg.empty(
                    "path", ["class": "gap", "fill": "url(#hatch)", "d": chart.gapArea])
            }
            svg.empty("path", ["class": "area", "fill": "url(#depth)", "d": chart.area])
            svg.empty("path", ["class": "line", "d": chart.line])
            if let last = chart.series.last.flatMap({ $0 }) {
                // A stroke of length zero with round ends is a dot at any aspect ratio.
                svg.empty(
                    "path",
                    ["class": "present", "d": "M\(chart.width - 1) \(chart.y(last))h0"])
            }
        }
    }

    private func gradient(_ svg: inout Markup) {
        svg.element("defs") { defs in
            defs.element(
                "linearGradient", ["id": "depth", "x1": "0", "y1": "0", "x2": "0", "y2": "1"]
            ) {
                $0.empty("stop", ["class": "depth-top", "offset": "0"])
                $0.empty("stop", ["class": "depth-bottom", "offset": "1"])
            }
            defs.element(
                "pattern",
                [
                    "id": "hatch", "width": "12", "height": "12",
                    "patternUnits": "userSpaceOnUse", "patternTransform": "rotate(45)",
                ]
            ) { $0.empty("path", ["class": "hatch", "d": "M0 0v12"]) }
        }
    }

    private func axis(_ chart: MinuteChart, _ first: Minute, _ figure: inout Markup) {
        figure.element("ol", ["class": "axis", "aria-hidden": "true"]) { axis in
            for tick in 0...Self.ticks {
                let minute = first.advanced(by: (chart.width - 1) * tick / Self.ticks)
                axis.element("li", text: TimeText.clock(minute))
            }
        }
    }
}
