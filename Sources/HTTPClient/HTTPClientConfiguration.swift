/// The limits of a conversation.
package struct HTTPClientConfiguration: Sendable {
    /// A PEM file of the certificate authorities to trust; nil means the system's.
    package var certificateAuthorities: String?
    /// For connecting, including TLS.
    package var connectTimeout: Duration
    /// For a whole exchange.
    package var totalTimeout: Duration
    /// An exchange ends if it is slower than this many bytes a second during `slowTime`. Waiting
    /// for the answer counts as slow.
    package var slowBytesPerSecond: Int
    /// In whole seconds, at least 1.
    package var slowTime: Duration
    /// The most bytes of an answer's body.
    package var maximumBodyBytes: Int

    package init(
        certificateAuthorities: String? = nil, connectTimeout: Duration, totalTimeout: Duration,
        slowBytesPerSecond: Int, slowTime: Duration, maximumBodyBytes: Int
    ) {
        self.certificateAuthorities = certificateAuthorities
        self.connectTimeout = connectTimeout
        self.totalTimeout = totalTimeout
        self.slowBytesPerSecond = slowBytesPerSecond
        self.slowTime = slowTime
        self.maximumBodyBytes = maximumBodyBytes
    }
}
