import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A client of HQ's public endpoint.
struct DemoAPI: Sendable {
    let totalURL: URL

    /// The five fields.
    struct Total: Decodable, Sendable {
        var baseCurrency: String
        var dataAsOf: String
        var isDegraded: Bool
        /// The number as HQ wrote it; a decoder would convert it to floating point.
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

    /// The total in dollars; nil if HQ does not answer with one.
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

    /// The body of a successful answer. Avoids `data(for:)`, which traps inside
    /// FoundationNetworking if it is cancelled just as it ends.
    private static func body(of request: URLRequest) async -> Data? {
        await withCheckedContinuation { continuation in
            URLSession.shared.dataTask(with: request) { data, response, _ in
                let isGood = (response as? HTTPURLResponse)?.statusCode == 200
                continuation.resume(returning: isGood ? data : nil)
            }.resume()
        }
    }
}
