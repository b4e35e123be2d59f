internal import RatesCore

/// Where rates are read: a file, or a service on the network.
///
/// One look follows another; none blocks a cooperative thread.
protocol RatesOrigin: Sendable {
    /// Looks once.
    func look() async -> RatesObservation
    /// The rates of the last look were taken: later looks may ask for newer ones only.
    func accepted()
    /// Ends a look under way within a second, and all later ones. From any thread.
    func stop()
    /// Releases the thread. No look may be under way.
    func close() async
}
