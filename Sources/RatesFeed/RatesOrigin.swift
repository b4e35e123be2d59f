internal import RatesCore

/// A source of rates: a file or a service on the network.
///
/// Checks run one after another; none blocks a cooperative thread.
protocol RatesOrigin: Sendable {
    /// Checks once.
    func look() async -> RatesObservation
    /// Notes that the rates of the last check were accepted, so that later checks may ask only for
    /// newer ones.
    func accepted()
    /// Ends a running check within a second, and all later ones. Any thread.
    func stop()
    /// Releases the thread. No check may be running.
    func close() async
}
