internal import Money
package import Reporting

/// Everything that is served between one tick and the next: one report, and every answer made of
/// it, each rendered at most once. Immutable in what it says; any thread may ask it.
package final class PublicSnapshot: Sendable {
    package let report: PublicReport
    /// By currency index; nil where the report has no such base.
    private let answers: [BaseAnswers?]

    /// Renders the total of each base; everything else waits until it is asked for.
    /// - Parameter origin: scheme and authority of this site, where they are known.
    package init(report: PublicReport, origin: String? = nil) {
        self.report = report
        var answers = [BaseAnswers?](repeating: nil, count: Currency.count)
        for base in report.bases {
            answers[Int(base.currency.index)] = BaseAnswers(report, base, origin: origin)
        }
        self.answers = answers
    }

    /// Nil where the currency is no base, or has no rate now.
    func answers(in base: Currency) -> BaseAnswers? { answers[Int(base.index)] }

    /// Whether both say the same totals in the same bases.
    package func hasSameTotals(as other: PublicSnapshot) -> Bool {
        answers.elementsEqual(other.answers) { $0?.totalTag == $1?.totalTag }
    }
}
