package import Addresses
package import Money

/// Where exchange rates come from, and which of them to believe.
package struct RatesSource: Hashable, Sendable {
    package enum Origin: Hashable, Sendable {
        /// The path of a rates file.
        case file(String)
        case provider(RatesProvider, ResourceURL)
    }

    package var origin: Origin
    /// The path of the file with the provider's app id.
    package var appIDFile: String?
    /// Whether the provider's URL may use plain HTTP.
    package var allowsPlainHTTP = false
    /// How often the source is checked.
    package var refresh: Duration
    /// The greatest factor, up or down, by which a rate may differ from the last good one and still
    /// be believed at once; nil for any.
    package var jumpFactorMax: ExchangeRate?
    /// Sources that never supply a rate but can confirm a jump: a second provider, and a file in
    /// which operators accept rates currency by currency.
    package var witnesses: [RatesSource] = []
    /// A provider's rates become stale this long after newer ones were due, a file's this long
    /// after their day began; nil if they are valid until the file is replaced.
    package var staleAfter: Duration?

    /// A check of a file costs one system call.
    package static let defaultFileRefresh: Duration = .seconds(1)
    /// Allows for providers that publish late, and for the minutes between two requests.
    package static let defaultProviderStaleAfter: Duration = .seconds(2 * 3_600)
    /// Main currencies move by less in a year. A devaluation can exceed it; then the source has to
    /// repeat the rate, or a witness has to confirm it.
    package static let defaultJumpFactorMax = ExchangeRate.oneAndAHalf

    /// A file. Trusts its author: no jump is too great unless a limit is set.
    package init(file: String, staleAfter: Duration? = nil) {
        origin = .file(file)
        refresh = Self.defaultFileRefresh
        self.staleAfter = staleAfter
    }

    package init(provider: RatesProvider, url: ResourceURL, appIDFile: String? = nil) {
        origin = .provider(provider, url)
        self.appIDFile = appIDFile
        refresh = provider.defaultRefresh
        jumpFactorMax = Self.defaultJumpFactorMax
        staleAfter = Self.defaultProviderStaleAfter
    }

    /// The path of the rates file; nil for a provider.
    package var file: String? {
        if case .file(let path) = origin { path } else { nil }
    }
}
