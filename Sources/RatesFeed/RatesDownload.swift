internal import HTTPClient
internal import Platform
internal import RatesCore
internal import Synchronization
internal import Topology
internal import TopologyFile

/// Fetches a provider's rates over one connection, with conditional requests after the first
/// accepted set.
///
/// It reads the app id from its file for each request, so that a new one needs no restart, and uses
/// it only in the request's header.
final class RatesDownload: RatesOrigin {
    /// Checks that may wait; only one runs at a time.
    private static let waitingLooks = 2
    /// The server's identification of a document, for a later conditional request.
    private struct Validators {
        var entityTag: String?
        var lastModified: String?
    }

    private struct Documents {
        /// Those of the last document that arrived completely.
        var fetched = Validators()
        /// Those of the last document whose rates were accepted.
        var taken = Validators()
    }

    private let provider: RatesProvider
    private let path: String
    private let appIDFile: String?
    private let thread: WorkerThread<HTTPConversation>
    private let stopSignal = StopSignal()
    private let documents = Mutex(Documents())

    init(
        provider: RatesProvider, address: HTTPAddress, appIDFile: String?,
        bounds: HTTPClientConfiguration
    ) throws(WorkerThreadError) {
        self.provider = provider
        self.appIDFile = appIDFile
        path = address.path
        let stopSignal = stopSignal
        thread = try WorkerThread(name: "rates-download", capacity: Self.waitingLooks) {
            HTTPConversation(bounds, address: address, stop: stopSignal)
        }
    }

    func look() async -> RatesObservation {
        (try? await thread.perform { self.look(&$0) }) ?? .stopped
    }

    func accepted() {
        documents.withLock { $0.taken = $0.fetched }
    }

    func stop() {
        stopSignal.stop()
        thread.requestStop()
    }

    func close() async { await thread.stop() }

    private func look(_ conversation: inout HTTPConversation) -> RatesObservation {
        var headers = ["Accept: \(mediaType)"]
        if let appIDFile {
            do throws(TopologyFileError) {
                headers.append("Authorization: Token \(try AppIDFile.load(path: appIDFile))")
            } catch {
                return .problem(
                    .secretUnreadable, detail: error.description, retryAfter: nil)
            }
        }
        let known = documents.withLock { $0.taken }
        if let entityTag = known.entityTag { headers.append("If-None-Match: \(entityTag)") }
        if let date = known.lastModified { headers.append("If-Modified-Since: \(date)") }
        let request = HTTPRequest(
            path: path, headers: headers,
            isConditional: known.entityTag != nil || known.lastModified != nil)
        return switch conversation.exchange(request) {
        case .response(let response): read(response, to: request)
        case .problem(let problem): Self.observation(problem)
        }
    }

    private var mediaType: String {
        switch provider {
        case .europeanCentralBank: "application/xml, text/xml"
        case .frankfurter, .openExchangeRates: "application/json"
        }
    }

    private func read(_ response: HTTPResponse, to request: HTTPRequest) -> RatesObservation {
        switch response.status {
        case 200:
            do throws(RatesDocumentError) {
                let rates = try RatesDocument.read(response.body, of: provider)
                documents.withLock {
                    $0.fetched = Validators(
                        entityTag: response.entityTag, lastModified: response.lastModified)
                }
                return .rates(rates)
            } catch {
                let coding = response.contentCoding.map { ", Content-Encoding \($0)" } ?? ""
                return .problem(
                    .malformed, detail: error.description + coding,
                    retryAfter: response.retryAfter)
            }
        case 304 where request.isConditional:
            return .confirmed
        case 301, 302, 303, 307, 308:
            return .problem(
                .redirected, detail: "status \(response.status)", retryAfter: response.retryAfter)
        default:
            return .problem(
                .status(response.status), detail: "status \(response.status)",
                retryAfter: response.retryAfter)
        }
    }

    private static func observation(_ problem: HTTPProblem) -> RatesObservation {
        func told(_ problem: RatesProblem, _ detail: String) -> RatesObservation {
            .problem(problem, detail: detail, retryAfter: nil)
        }
        return switch problem {
        case .unreachable: told(.unreachable, "no connection")
        case .untrusted: told(.untrusted, "no trusted TLS session")
        case .timeout: told(.timeout, "no answer in time")
        case .torn: told(.torn, "incomplete answer")
        case .oversize: told(.oversize, "answer too large")
        case .library: told(.library, "libcurl could not start")
        case .stopped: .stopped
        }
    }
}
