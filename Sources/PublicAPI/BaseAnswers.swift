internal import Dashboard
internal import Money
internal import NIOCore
internal import Publishing

/// All answers of one report in one base currency. Renders the total at once, the others on demand.
final class BaseAnswers: Sendable {
    private let report: PublicReport
    private let figures: BaseReport
    private let origin: String?
    /// The five fields.
    let total: PreparedResponse
    /// Identifies this body of the five fields.
    let totalTag: EntityTag
    private let totalJSON: String

    private let renderedEvent = RenderedOnce<ByteBuffer>()
    private let renderedBreakdown = RenderedOnce<PreparedResponse>()
    private let renderedSeries = RenderedOnce<PreparedResponse>()
    private let renderedPage = RenderedOnce<PreparedResponse>()
    private let renderedWallPage = RenderedOnce<PreparedResponse>()
    private let renderedEmbed = RenderedOnce<PreparedResponse>()
    private let renderedBadge = RenderedOnce<PreparedResponse>()

    init(_ report: PublicReport, _ figures: BaseReport, origin: String?) {
        self.report = report
        self.origin = origin
        self.figures = figures
        totalJSON =
            MoneyMoved(
                base: figures.currency, amount: figures.total, dataAsOf: report.dataAsOf,
                isDegraded: report.isDegraded
            ).json
        total = Self.json(totalJSON)
        totalTag = EntityTag(body: totalJSON.utf8)
    }

    var base: Currency { figures.currency }
    var isDegraded: Bool { report.isDegraded }
    var version: String { report.version }

    /// The stream's event with the total.
    var event: ByteBuffer {
        renderedEvent.value {
            ByteBuffer(string: "id: \(report.version)\nevent: total\ndata: \(totalJSON)\n\n")
        }
    }

    var breakdown: PreparedResponse {
        renderedBreakdown.value {
            Self.json(BreakdownDocument(report: report, base: figures).json(total: totalJSON))
        }
    }

    var series: PreparedResponse {
        renderedSeries.value { Self.json(SeriesDocument(report: report, base: figures).json) }
    }

    func page(_ view: Dashboard.View) -> PreparedResponse {
        func render() -> PreparedResponse {
            Self.html(
                Dashboard.page(report, base: base, view: view, origin: origin),
                fields: ResponseFields.page)
        }
        return switch view {
        case .standard: renderedPage.value(render)
        case .tv: renderedWallPage.value(render)
        }
    }

    var embed: PreparedResponse {
        renderedEmbed.value {
            Self.html(
                Dashboard.embed(report, base: base), fields: ResponseFields.embed)
        }
    }

    var badge: PreparedResponse {
        renderedBadge.value {
            PreparedResponse(
                contentType: "image/svg+xml; charset=utf-8",
                fields: ResponseFields.live + ResponseFields.picture,
                body: Dashboard.badge(report, base: base), isRevalidated: true)
        }
    }

    private static func json(_ text: String) -> PreparedResponse {
        PreparedResponse(
            contentType: "application/json", fields: ResponseFields.live + ResponseFields.api,
            body: text, isRevalidated: true)
    }

    private static func html(_ text: String, fields: String) -> PreparedResponse {
        PreparedResponse(
            contentType: "text/html; charset=utf-8", fields: ResponseFields.live + fields,
            body: text, isRevalidated: true)
    }
}
