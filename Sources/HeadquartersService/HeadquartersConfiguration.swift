package import Addresses
package import Topology

/// The settings of one HQ process.
package struct HeadquartersConfiguration: Sendable {
    /// The interfaces of HQ. Each has its own listener, so that a process can serve only the public
    /// one to the internet.
    package enum Interface: String, CaseIterable, Hashable, Sendable {
        /// The public API, and the publisher behind it.
        case `public`
        /// The interface that regions push to, and the store's maintenance.
        case ingest
    }

    package var topology: Topology
    package var interfaces: Set<Interface>
    /// Where the public API listens; port 0 takes a free port.
    package var publicAddress: HostPort
    /// Where regions push to; loopback only, port 0 takes a free port.
    package var ingestAddress: HostPort
    /// The file that holds the published values, from which a restarted process continues; nil for
    /// none. Each process needs its own. The file with `.rates` appended to the name holds a
    /// provider's exchange rates.
    package var stateFile: String?
    /// How often the state file is synced to disk. Only a power cut can lose what was published
    /// since; a killed process loses nothing.
    package var stateInterval: Duration = .seconds(10)
    /// How often the store is maintained.
    package var maintenanceInterval: Duration = .seconds(60)
    /// A new file that receives every event and action of commit rounds, for
    /// `tributary simulate --replay`; nil for none. It contains the regions' deltas.
    package var recordFile: String?
    /// How long a shutdown waits for requests in progress before it closes their connections.
    package var shutdownDurationMax: Duration = .seconds(10)

    /// Takes the listeners from the topology.
    package init(topology: Topology, interfaces: Set<Interface> = Set(Interface.allCases)) {
        self.topology = topology
        self.interfaces = interfaces
        publicAddress = topology.listeners.publicAPI
        ingestAddress = topology.listeners.ingest
    }
}
