internal import CCurl

/// One libcurl easy handle and the connection it keeps alive.
///
/// libcurl allows one thread at a time in a handle: the worker thread that owns this value.
/// Exchanges run one after another, without redirects, proxies and retries.
package struct HTTPConversation: ~Copyable {
    /// Nil if libcurl does not support the required security settings; nothing is sent then.
    private let handle: UnsafeMutableRawPointer?
    private let origin: String
    private let sink: ResponseSink

    /// Runs once per process, before the first handle; thread-safe, like every static value.
    private static let isLibraryReady = tributary_curl_global_init() == CURLE_OK

    /// Does not connect yet. Uses only the origin of `address`. Call it on the owning thread.
    package init(
        _ configuration: HTTPClientConfiguration, address: HTTPAddress, stop: StopSignal
    ) {
        origin = address.origin
        sink = ResponseSink(maximumBodyBytes: configuration.maximumBodyBytes, stop: stop)
        guard Self.isLibraryReady, let created = curl_easy_init() else {
            handle = nil
            return
        }
        let isReady =
            Self.apply(Self.longs(configuration), to: created)
            && Self.apply(Self.strings(configuration, address: address), to: created)
            && tributary_curl_set_size(
                created, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(configuration.maximumBodyBytes))
                == CURLE_OK
            && sink.attach(to: created)
        if isReady {
            handle = created
        } else {
            curl_easy_cleanup(created)
            handle = nil
        }
    }

    deinit {
        if let handle { curl_easy_cleanup(handle) }
    }

    /// Sends a request and waits, within the configured times, for the whole answer.
    package mutating func exchange(_ request: HTTPRequest) -> HTTPOutcome {
        guard let handle else { return .problem(.library) }
        guard !sink.stop.isStopped else { return .problem(.stopped) }
        sink.clear()
        guard let headers = Self.headerList(request.headers) else { return .problem(.library) }
        defer {
            _ = tributary_curl_set_headers(handle, nil)
            curl_slist_free_all(headers)
        }
        guard tributary_curl_set_headers(handle, headers) == CURLE_OK,
            tributary_curl_set_string(handle, CURLOPT_URL, origin + request.path) == CURLE_OK
        else { return .problem(.library) }
        let code: CURLcode
        if let body = request.body {
            code = body.withUnsafeBytes { bytes in
                // libcurl does not copy the body: the pointer is good until perform returns.
                let ready =
                    tributary_curl_set_long(handle, CURLOPT_POST, 1) == CURLE_OK
                    && tributary_curl_set_size(
                        handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count)) == CURLE_OK
                    && tributary_curl_set_pointer(handle, CURLOPT_POSTFIELDS, bytes.baseAddress)
                        == CURLE_OK
                return ready ? curl_easy_perform(handle) : CURLE_OUT_OF_MEMORY
            }
            _ = tributary_curl_set_pointer(handle, CURLOPT_POSTFIELDS, nil)
        } else {
            code =
                tributary_curl_set_long(handle, CURLOPT_HTTPGET, 1) == CURLE_OK
                ? curl_easy_perform(handle) : CURLE_OUT_OF_MEMORY
        }
        defer { sink.clear() }
        guard code == CURLE_OK else { return .problem(problem(for: code)) }
        let response = response(from: handle)
        guard sink.isDelimited || (request.isConditional && response.status == 304) else {
            return .problem(.torn)
        }
        return .response(response)
    }

    private func response(from handle: UnsafeMutableRawPointer) -> HTTPResponse {
        var status = 0
        _ = tributary_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
        var seconds: curl_off_t = 0
        _ = tributary_curl_get_size(handle, CURLINFO_RETRY_AFTER, &seconds)
        var contentType: UnsafePointer<CChar>?
        _ = tributary_curl_get_string(handle, CURLINFO_CONTENT_TYPE, &contentType)
        return HTTPResponse(
            status: status, contentType: contentType.map { String(cString: $0) } ?? "",
            retryAfter: seconds > 0 ? .seconds(min(Int(seconds), 86_400)) : nil,
            entityTag: sink.entityTag, lastModified: sink.lastModified,
            contentCoding: sink.contentCoding, body: sink.body)
    }

    private func problem(for code: CURLcode) -> HTTPProblem {
        if sink.isOverflown { return .oversize }
        return switch code {
        case CURLE_ABORTED_BY_CALLBACK: .stopped
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_FILESIZE_EXCEEDED: .oversize
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT: .unreachable
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_INVALIDCERTSTATUS:
            .untrusted
        case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT, CURLE_NOT_BUILT_IN, CURLE_UNKNOWN_OPTION,
            CURLE_BAD_FUNCTION_ARGUMENT, CURLE_URL_MALFORMAT:
            .library
        // Sent, but the answer is missing, incomplete or not HTTP ("unsupported protocol").
        default: .torn
        }
    }

    /// `Expect:` without a value keeps libcurl from waiting for "100 Continue" with large bodies.
    private static func headerList(_ lines: [String]) -> UnsafeMutablePointer<curl_slist>? {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines + ["Expect:"] {
            guard let longer = curl_slist_append(list, line) else {
                curl_slist_free_all(list)
                return nil
            }
            list = longer
        }
        return list
    }

    private static func longs(_ configuration: HTTPClientConfiguration) -> [(CURLoption, Int)] {
        [
            // Keeps libcurl from raising SIGALRM and SIGPIPE in other threads.
            (CURLOPT_NOSIGNAL, 1),
            (CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1),
            (CURLOPT_FOLLOWLOCATION, 0),
            (CURLOPT_DISALLOW_USERNAME_IN_URL, 1),
            (CURLOPT_HTTP09_ALLOWED, 0),
            (CURLOPT_SSL_VERIFYPEER, 1),
            (CURLOPT_SSL_VERIFYHOST, 2),
            (CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
            (CURLOPT_MAXCONNECTS, 1),
            (CURLOPT_TCP_KEEPALIVE, 1),
            (CURLOPT_CONNECTTIMEOUT_MS, configuration.connectTimeout.wholeMilliseconds),
            (CURLOPT_TIMEOUT_MS, configuration.totalTimeout.wholeMilliseconds),
            (CURLOPT_LOW_SPEED_LIMIT, configuration.slowBytesPerSecond),
            (CURLOPT_LOW_SPEED_TIME, configuration.slowTime.wholeMilliseconds / 1_000),
        ].map { ($0.0, Int($0.1)) }
    }

    private static func strings(
        _ configuration: HTTPClientConfiguration, address: HTTPAddress
    ) -> [(CURLoption, String)] {
        var strings = [
            (CURLOPT_PROTOCOLS_STR, address.isPlain ? "http" : "https"),
            // The empty name disables proxies from the environment.
            (CURLOPT_PROXY, ""),
            (CURLOPT_USERAGENT, "tributary"),
        ]
        if let file = configuration.certificateAuthorities {
            strings.append((CURLOPT_CAINFO, file))
        }
        return strings
    }

    private static func apply(
        _ options: [(CURLoption, Int)], to handle: UnsafeMutableRawPointer
    ) -> Bool {
        options.allSatisfy { tributary_curl_set_long(handle, $0.0, $0.1) == CURLE_OK }
    }

    private static func apply(
        _ options: [(CURLoption, String)], to handle: UnsafeMutableRawPointer
    ) -> Bool {
        options.allSatisfy { tributary_curl_set_string(handle, $0.0, $0.1) == CURLE_OK }
    }
}

extension Duration {
    /// Rounds down and saturates well within a C `long`.
    var wholeMilliseconds: Int {
        Int(min(max(self, .zero), .seconds(86_400 * 365)) / .milliseconds(1))
    }
}
