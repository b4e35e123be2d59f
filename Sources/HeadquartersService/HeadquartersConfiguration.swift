package import Topology

/// What one HQ process does, and where.
package struct HeadquartersConfiguration: Sendable {
    /// The interfaces of HQ. Each has a listener of its own, so that the public one can face the
    /// world from a process that holds nothing else.
    package enum Interface: String, CaseIterable, Hashable, Sendable {
        /// The public API, and the publisher behind it.
        case `public`
        /// What regions push to, and the store's maintenance.
        case ingest
    }

    package var topology: Topology
    package var interfaces: Set<Interface>
    /// Where the public API listens; port 0 takes a free one.
    package var publicAddress: HostPort
    /// Where regions push to; loopback only, port 0 takes a free one.
    package var ingestAddress: HostPort
    /// The file that what is shown is kept in, for a restarted process to go on from; nil keeps
    /// nothing. It belongs to one process. A provider's exchange rates are kept beside it, under
    /// the same name with `.rates`.
    package var stateFile: String?
    /// How often the kept state is made to outlive a power cut; a process that is killed loses
    /// nothing that it showed.
    package var stateInterval: Duration = .seconds(10)
    /// How often the store is maintained.
    package var maintenanceInterval: Duration = .seconds(60)
    /// A new file that every event and action of commit rounds is written to, for
    /// `tributary simulate --replay`; nil writes none. It holds what regions push.
    package var recordFile: String?
    /// For requests that are being answered when a shutdown begins; after it they are cut.
    package var shutdownDurationMax: Duration = .seconds(10)

    /// The listeners are the topology's.
    package init(topology: Topology, interfaces: Set<Interface> = Set(Interface.allCases)) {
        self.topology = topology
        self.interfaces = interfaces
        publicAddress = topology.listeners.publicAPI
        ingestAddress = topology.listeners.ingest
    }
}
