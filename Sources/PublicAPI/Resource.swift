/// The resource at a path.
enum Resource: Hashable, Sendable {
    case total, breakdown, series, stream
    case page, embed, badge, oEmbed
    case latestRates
    /// By its id, the rest of the path.
    case rateSet
    /// Rendered once per process; the number is its index in the router's list.
    case document(Int, isPage: Bool)
    case live, ready

    /// Parameters that its query may have.
    var parameters: Set<String> {
        switch self {
        case .total, .breakdown, .series, .stream, .embed, .badge: ["base_currency"]
        case .page: ["base_currency", "view"]
        case .oEmbed: ["url", "format", "maxwidth", "maxheight"]
        case .latestRates, .rateSet, .document, .live, .ready: []
        }
    }

    /// Whether unknown parameters are ignored. Services that people share links with append
    /// tracking parameters to pages. In a program's request, an unknown parameter is a mistake.
    var ignoresOtherParameters: Bool {
        switch self {
        case .page, .embed, .document(_, isPage: true): true
        default: false
        }
    }
}

extension PublicAPI {
    package static let totalPath = "/v1/metrics/money-moved/24h"

    /// The prefix of a rate set's path; its id follows.
    static let rateSetPrefix = "/v1/rates/"

    /// The paths of resources that every report renders again.
    static let livePaths: [(path: String, resource: Resource)] = [
        (totalPath, .total),
        (totalPath + "/breakdown", .breakdown),
        (totalPath + "/series", .series),
        ("/v1/metrics/money-moved/stream", .stream),
        ("/", .page),
        ("/embed", .embed),
        ("/badge.svg", .badge),
        ("/oembed", .oEmbed),
        (rateSetPrefix + "latest", .latestRates),
        ("/livez", .live),
        ("/readyz", .ready),
    ]
}
