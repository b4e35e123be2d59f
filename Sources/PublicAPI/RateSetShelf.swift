internal import HTTPListener
internal import Money
package import Publishing

/// The rate sets that are served: the one in force and the last ones before it, each rendered once.
/// A value, which reports share.
package struct RateSetShelf: Sendable {
    /// How many sets are kept. Of an hourly source, these are the sets of four days; each takes
    /// about 20 KiB with its compressed form.
    package static let setsMax = 100

    /// The answer of `/v1/rates/latest`; nil before the first set.
    private(set) var latest: PreparedResponse?
    private var answers: [String: PreparedResponse] = [:]
    /// The ids of `answers`, the one in force last.
    private var order: [String] = []

    package init() {}

    /// The set in force.
    package var latestID: String? { order.last }

    /// Puts a set in force. Forgets the set that was in force longest ago if there are too many.
    package mutating func put(_ set: PublicRateSet) {
        guard set.id != latestID else { return }
        let body = RateSetDocument(set: set).json
        latest = Self.response(body, ResponseFields.live)
        if answers[set.id] == nil {
            answers[set.id] = Self.response(body, ResponseFields.immutable)
        }
        order.removeAll { $0 == set.id }
        order.append(set.id)
        while order.count > Self.setsMax { answers[order.removeFirst()] = nil }
    }

    /// The answer of `/v1/rates/{id}`; nil where the set is not kept.
    func answer(id: String) -> PreparedResponse? { answers[id] }

    private static func response(_ body: String, _ caching: String) -> PreparedResponse {
        PreparedResponse(
            contentType: "application/json", fields: caching + ResponseFields.api, body: body,
            isRevalidated: true)
    }
}

/// A rate set in JSON.
private struct RateSetDocument {
    let set: PublicRateSet

    var json: String {
        let rates = set.quotes.map { quote in
            """
            {"currency":"\(quote.currency.code)","rate":"\(quote.rate)",\
            "date":\(JSONText.quoted(quote.day))}
            """
        }
        return """
            {"id":\(JSONText.quoted(set.id)),"source":\(JSONText.quoted(set.source)),\
            "date":\(JSONText.quoted(set.date)),"base":"\(set.base.code)",\
            "hash":\(JSONText.quoted("fnv1a-64:\(set.id)")),\
            "rates":[\(rates.joined(separator: ","))]}
            """
    }
}
