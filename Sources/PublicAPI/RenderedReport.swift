internal import Money
package import Publishing

/// Everything served between two ticks: one report and all its answers, each rendered at most once.
/// The content is immutable; any thread may use it.
package final class RenderedReport: Sendable {
    package let report: PublicReport
    /// By currency index; nil if the report has no such base.
    private let answers: [BaseAnswers?]
    let rateSets: RateSetShelf

    /// Renders the total of each base; other answers are rendered on demand.
    /// - Parameters:
    ///   - origin: scheme and authority of this site, if known.
    ///   - rateSets: the report's set is the latest of them.
    package init(
        report: PublicReport, origin: String? = nil, rateSets: RateSetShelf = RateSetShelf()
    ) {
        self.report = report
        self.rateSets = rateSets
        var answers = [BaseAnswers?](repeating: nil, count: Currency.count)
        for base in report.bases {
            answers[Int(base.currency.index)] = BaseAnswers(report, base, origin: origin)
        }
        self.answers = answers
    }

    /// Nil if the currency is not a base or currently has no rate.
    func answers(in base: Currency) -> BaseAnswers? { answers[Int(base.index)] }

    /// Whether both have the same totals in the same bases.
    package func hasSameTotals(as other: RenderedReport) -> Bool {
        answers.elementsEqual(other.answers) { $0?.totalTag == $1?.totalTag }
    }
}
