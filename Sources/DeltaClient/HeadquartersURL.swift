internal import HTTPClient

/// HQ's address: the operator configures only scheme, host and port.
struct HeadquartersURL: Sendable {
    let address: HTTPAddress

    init(_ text: String, allowsPlainHTTP: Bool) throws(DeltaClientError) {
        do throws(MalformedAddress) {
            address = try HTTPAddress(text)
        } catch {
            switch error {
            case .malformed: throw DeltaClientError("url: expected http(s)://host:port")
            case .scheme: throw DeltaClientError("url: expected the scheme http or https")
            case .extras: throw DeltaClientError("url: expected nothing after the port")
            }
        }
        guard address.path == "/" else {
            throw DeltaClientError("url: expected nothing after the port")
        }
        guard !address.isPlain || allowsPlainHTTP || address.isLoopback else {
            throw DeltaClientError("url: expected https, because the host is not this machine")
        }
    }
}
