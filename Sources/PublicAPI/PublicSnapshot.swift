internal import HTTPTypes
internal import Money
internal import NIOCore
package import Reporting

/// Everything that is served between one tick and the next, rendered: an immutable value.
package struct PublicSnapshot: Sendable {
    /// One answer, ready to be sent.
    struct Rendering: Sendable {
        let body: ByteBuffer
        /// A strong entity tag, quotes included: a hash of the body, so that replicas agree.
        let entityTag: String
        /// Of the answer 200.
        let headers: HTTPFields
    }

    private let renderings: [Currency: Rendering]

    package let report: PublicReport

    package init(report: PublicReport) {
        self.report = report
        var renderings: [Currency: Rendering] = [:]
        for base in report.bases {
            renderings[base.currency] = Self.render(
                MoneyMoved(
                    base: base.currency, amount: base.total, dataAsOf: report.dataAsOf,
                    isDegraded: report.isDegraded))
        }
        self.renderings = renderings
    }

    subscript(base: Currency) -> Rendering? { renderings[base] }

    private static func render(_ answer: MoneyMoved) -> Rendering {
        let json = answer.json
        let tag = "\"\(hash(json))\""
        var headers = PublicHeaders.total
        headers[.contentType] = "application/json"
        headers[.eTag] = tag
        return Rendering(body: ByteBuffer(string: json), entityTag: tag, headers: headers)
    }

    /// The 64-bit FNV-1a hash in hexadecimal digits: tells one body from the next.
    private static func hash(_ text: String) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return String(hash, radix: 16)
    }
}

/// Header fields that many answers share.
enum PublicHeaders {
    /// Of every answer: any page may read it, none may frame or sniff it.
    static let all: HTTPFields = [
        .accessControlAllowOrigin: "*",
        .xContentTypeOptions: "nosniff",
        .contentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'",
        HTTPField.Name("Referrer-Policy")!: "no-referrer",
    ]

    /// Of the total: shared caches may keep it a second, and serve it stale while they ask again
    /// or cannot reach us.
    static let total: HTTPFields = {
        var fields = all
        fields[.cacheControl] =
            "public, max-age=1, stale-while-revalidate=30, stale-if-error=600"
        fields[.accessControlExposeHeaders] = "ETag"
        return fields
    }()
}
