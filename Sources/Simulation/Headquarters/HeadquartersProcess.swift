import CivilTime
import Federation
import Identifiers

/// One HQ process: what it remembers beside the store.
final class HeadquartersProcess {
    let number: Int
    let site: Site
    var isRunning = true
    /// What its files say of the logs, and whether the store counts the same.
    private(set) var topology: StoreTopology
    var adoption: TopologyAdoption
    /// By log of the world, how many partitions it has, as the store said when the topology was
    /// compared last.
    var partitionCounts: [Int: Int32] = [:]
    /// Rises with every start.
    var incarnation = 1
    /// Its clock minus the true time, in milliseconds.
    var clockError: Int64 = 0
    /// What scripts that did not end well may have left wrong.
    var suspects = SuspectMinutes()
    /// The audit of digests and the commands, as ingest remembers them.
    var memory = CommitMemory()
    /// The store's connection on which all sums were compared last, and when, in the queue's time.
    var comparedOn = 0
    var comparedAt: Int64 = 0
    /// The count of keys, as maintenance remembers it.
    var census = KeyCensus()
    /// When a request came last whose sender's clock was wrong, or that was under way for long.
    var heardWrongAt: Int64?
    /// By region, how often it had it filled again since the faults ended.
    var fillsSinceHealed: [Int: Int] = [:]
    /// When the audit found a difference last.
    var foundDriftAt: Int64?
    var publisher: PublisherCheck

    init(number: Int, site: Site, topology: StoreTopology, publisher: PublisherCheck) {
        self.number = number
        self.site = site
        self.topology = topology
        adoption = TopologyAdoption(topology)
        self.publisher = publisher
    }

    /// Gives it newer files, which it reads when it starts.
    func take(_ topology: StoreTopology) {
        self.topology = topology
        adoption = TopologyAdoption(topology)
    }

    /// Ends the process: all it knew is gone.
    func stop() {
        isRunning = false
        incarnation += 1
        if !suspects.isEmpty { site.sumsAreDoubtful = true }
        suspects = SuspectMinutes()
        memory = CommitMemory()
        comparedOn = 0
        census = KeyCensus()
        adoption = TopologyAdoption(topology)
        partitionCounts = [:]
        clockError = 0
    }
}
