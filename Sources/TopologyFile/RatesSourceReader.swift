import Addresses
import Money
import Topology

/// Reads the mapping `fx` of a topology file.
///
/// Defaults: those of `RatesSource`, and a provider's own URL. Either `file` or `source` is
/// required.
struct RatesSourceReader {
    /// Resolves a path in the file.
    let resolve: (String) -> String

    private static let fileRule = "the path of a file"

    /// Records a problem and returns nil if the source is unknown.
    func read(_ fields: Fields) -> RatesSource? {
        let file = fields.optional("file", expected: Self.fileRule, ScalarText.nonEmpty)
        let provider = fields.optional(
            "source", expected: ScalarText.choices(of: RatesProvider.self),
            RatesProvider.init(rawValue:))
        let source: RatesSource?
        switch (file, provider) {
        case (let file?, nil):
            source = fields.has("source") ? nil : RatesSource(file: resolve(file))
        case (nil, let provider?):
            source = fields.has("file") ? nil : self.provider(provider, fields)
        case (.some, .some):
            fields.report("source", expected: "either file or source, not both")
            source = nil
        case (nil, nil):
            if !fields.has("file"), !fields.has("source") {
                fields.report(
                    "file",
                    expected: "\(Self.fileRule), or the key source, but both are missing")
            }
            source = nil
        }
        guard var source else { return nil }
        readCommon(fields, into: &source)
        if let second = fields.optionalMapping("second") {
            source.witnesses += [readSecond(second)].compactMap(\.self)
        }
        let accepted = fields.optional(
            "accept_file", expected: Self.fileRule, ScalarText.nonEmpty)
        source.witnesses += [accepted].compactMap { $0 }.map { RatesSource(file: resolve($0)) }
        fields.finish()
        return source
    }

    /// A second provider, used only to confirm jumps.
    private func readSecond(_ fields: Fields) -> RatesSource? {
        let named = fields.required(
            "source", expected: ScalarText.choices(of: RatesProvider.self),
            RatesProvider.init(rawValue:))
        var source = named.flatMap { provider($0, fields) }
        let refresh = fields.optional(
            "refresh", expected: ScalarText.durationRule, ScalarText.duration)
        if let refresh { source?.refresh = refresh }
        fields.finish()
        return source
    }

    private func provider(_ provider: RatesProvider, _ fields: Fields) -> RatesSource? {
        let url = fields.optional("url", expected: "a URL such as https://host/path") {
            ResourceURL($0)
        }
        let appIDFile = fields.optional(
            "app_id_file", expected: Self.fileRule, ScalarText.nonEmpty)
        let allowsPlainHTTP = fields.optional(
            "allow_http", expected: ScalarText.flagRule, ScalarText.flag)
        guard let url = url ?? ResourceURL(provider.defaultURL) else { return nil }
        var source = RatesSource(
            provider: provider, url: url, appIDFile: appIDFile.map(resolve))
        source.allowsPlainHTTP = allowsPlainHTTP ?? false
        return source
    }

    private func readCommon(_ fields: Fields, into source: inout RatesSource) {
        let refresh = fields.optional(
            "refresh", expected: ScalarText.durationRule, ScalarText.duration)
        if let refresh { source.refresh = refresh }
        let staleAfter = fields.optional(
            "stale_after", expected: ScalarText.durationRule, ScalarText.duration)
        if let staleAfter { source.staleAfter = staleAfter }
        let factor = fields.optional("jump_factor_max", expected: "a factor above 1, such as 1.5") {
            try? ExchangeRate($0)
        }
        if let factor { source.jumpFactorMax = factor }
    }
}
