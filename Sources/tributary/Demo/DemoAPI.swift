import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// HQ's public endpoint, as any client reads it.
struct DemoAPI: Sendable {
    let totalURL: URL

    /// The five fields.
    struct Total: Decodable, Sendable {
        var baseCurrency: String
        var dataAsOf: String
        var isDegraded: Bool
        /// The number as it was written; a decoder would pass it through floating point.
        var text = ""

        private enum CodingKeys: String, CodingKey {
            case baseCurrency = "base_currency"
            case dataAsOf = "data_as_of"
            case isDegraded = "is_degraded"
        }
    }

    init(port: Int) {
        totalURL =
            URL(
                string: "http://127.0.0.1:\(port)/v1/metrics/money-moved/24h?base_currency=USD")
            ?? URL(fileURLWithPath: "/")
    }

    /// The total in dollars; nil where HQ does not answer with one.
    func total() async -> Total? {
        var request = URLRequest(url: totalURL)
        request.timeoutInterval = 2
        guard let data = await Self.body(of: request),
            var total = try? JSONDecoder().decode(Total.self, from: data)
        else { return nil }
        let body = String(decoding: data, as: UTF8.self)
        guard let range = body.range(of: "\"total_amount\":") else { return nil }
        total.text = String(body[range.upperBound...].prefix { $0 != "," && $0 != "}" })
        return total
    }

    /// What a successful answer holds. Not `data(for:)`: cancelled as it ends, that one traps
    /// inside FoundationNetworking.
    private static func body(of request: URLRequest) async -> Data? {
        await withCheckedContinuation { continuation in
            URLSession.shared.dataTask(with: request) { data, response, _ in
                let isGood = (response as? HTTPURLResponse)?.statusCode == 200
                continuation.resume(returning: isGood ? data : nil)
            }.resume()
        }
    }
}
