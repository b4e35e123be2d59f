/// Why a check of the source gave no new rates, or an answer no new rate of one currency. In every
/// case the last good rates stay in use.
package enum RatesProblem: Hashable, Sendable, CustomStringConvertible {
    /// The topology's rates file does not exist.
    case fileMissing
    /// The file with the app id cannot be read or contains none.
    case secretUnreadable
    /// No connection to the source.
    case unreachable
    /// No trusted TLS session with the source.
    case untrusted
    /// Connecting or answering took too long, or bytes arrived too slowly.
    case timeout
    /// The connection ended before the answer was complete.
    case torn
    /// The answer is larger than any document of rates.
    case oversize
    /// The source redirects; redirects are not followed.
    case redirected
    /// Neither 200, nor 304 to a conditional request, nor a redirection.
    case status(Int)
    /// libcurl could not start.
    case library
    /// Not a document of this source, whatever its status code; for one currency: not a number.
    case malformed
    /// A rate of zero or below.
    case notPositive
    /// A rate is further from the last good one than `jump_factor_max`.
    case jump
    /// The rates have another base, and a currency would jump if they were used.
    case baseChanged
    /// Older than the last good rates.
    case dateWentBack
    /// Dated later than tomorrow.
    case dateInFuture
    /// Carried forward by the source for longer than any central bank closes.
    case outdated
    /// The last answer has no rate of the currency.
    case missing

    /// For logs and metric labels: few values, no outside data.
    package var description: String {
        switch self {
        case .fileMissing: "file_missing"
        case .secretUnreadable: "secret_unreadable"
        case .unreachable: "unreachable"
        case .untrusted: "untrusted"
        case .timeout: "timeout"
        case .torn: "torn"
        case .oversize: "oversize"
        case .redirected: "redirected"
        case .status(let status): "status_\(status)"
        case .library: "library"
        case .malformed: "malformed"
        case .notPositive: "not_positive"
        case .jump: "jump"
        case .baseChanged: "base_changed"
        case .dateWentBack: "date_went_back"
        case .dateInFuture: "date_in_future"
        case .outdated: "outdated"
        case .missing: "missing"
        }
    }
}
