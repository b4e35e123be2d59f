import Addresses
import Money

extension RatesSource {
    /// No provider publishes more often than this.
    package static let minimumProviderRefresh: Duration = .seconds(60)
    package static let minimumFileRefresh: Duration = .milliseconds(100)
    package static let maximumRefresh: Duration = .seconds(86_400)
    package static let minimumStaleAfter: Duration = .seconds(60)
    package static let maximumStaleAfter: Duration = .seconds(30 * 86_400)

    /// All problems of the source and its witnesses, with the keys of a topology file.
    func problems(at path: String = "fx") -> [TopologyProblem] {
        var problems = witnesses.flatMap { witness in
            witness.file == nil ? witness.problems(at: "\(path).second") : []
        }
        func report(_ key: String, _ expected: String) {
            problems.append(TopologyProblem(key: "\(path).\(key)", expected: expected))
        }
        switch origin {
        case .file(let path):
            if path.isEmpty { report("file", "the path of a file") }
            if !(Self.minimumFileRefresh...Self.maximumRefresh).contains(refresh) {
                report("refresh", "a duration of 100ms to 24h")
            }
        case .provider(let provider, let url):
            for expected in urlProblems(provider, url) { report("url", expected) }
            if provider.needsAppID, appIDFile == nil {
                report("app_id_file", "the path of the file with the app id")
            } else if !provider.needsAppID, appIDFile != nil {
                report("app_id_file", "no such key: this source needs no app id")
            }
            if !(Self.minimumProviderRefresh...Self.maximumRefresh).contains(refresh) {
                report("refresh", "a duration of 1m to 24h")
            }
        }
        if let staleAfter,
            !(Self.minimumStaleAfter...Self.maximumStaleAfter).contains(staleAfter)
        {
            report("stale_after", "a duration of 1m to 720h")
        }
        if let jumpFactorMax, !jumpFactorMax.isAboveOne {
            report("jump_factor_max", "a factor above 1, such as 1.5")
        }
        return problems
    }

    private func urlProblems(_ provider: RatesProvider, _ url: ResourceURL) -> [String] {
        var problems: [String] = []
        if !url.service.isSecure {
            if !allowsPlainHTTP {
                problems.append("an https URL, unless allow_http is true")
            } else if provider.needsAppID, !url.service.address.isLoopback {
                problems.append("an https URL, because an app id must not travel unencrypted")
            }
        }
        if provider.needsAppID, url.hasParameter("app_id") {
            problems.append("no app_id in the URL: the key app_id_file names its file")
        }
        return problems
    }
}
