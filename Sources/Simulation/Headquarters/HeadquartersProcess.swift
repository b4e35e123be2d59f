import CivilTime
import Federation
import Identifiers

/// One HQ process and its memory outside the store.
final class HeadquartersProcess {
    let number: Int
    let site: Site
    var isRunning = true
    /// The logs in its files, and whether the store counts the same.
    private(set) var topology: StoreTopology
    var adoption: TopologyAdoption
    /// By log of the world, its partition count in the store when the topology was last compared.
    var partitionCounts: [Int: Int32] = [:]
    /// Rises with every start.
    var incarnation = 1
    /// Its clock minus the true time, in milliseconds.
    var clockError: Int64 = 0
    /// The minutes that failed scripts may have left wrong.
    var suspects = SuspectMinutes()
    /// The audit and the commands, as kept by ingest.
    var memory = CommitMemory()
    /// The store's connection at the last comparison of all sums, and its time in the queue.
    var comparedOn = 0
    var comparedAt: Int64 = 0
    /// The key census, as kept by maintenance.
    var census = KeyCensus()
    /// When it last received a request that was long delayed or whose sender's clock was wrong.
    var heardWrongAt: Int64?
    /// By region, how often it requested a refill since the faults ended.
    var fillsSinceHealed: [Int: Int] = [:]
    /// When the audit last found a difference.
    var foundDriftAt: Int64?
    var publisher: PublisherCheck

    init(number: Int, site: Site, topology: StoreTopology, publisher: PublisherCheck) {
        self.number = number
        self.site = site
        self.topology = topology
        adoption = TopologyAdoption(topology)
        self.publisher = publisher
    }

    /// Gives it newer files, which it reads at its next start.
    func take(_ topology: StoreTopology) {
        self.topology = topology
        adoption = TopologyAdoption(topology)
    }

    /// Ends the process, which loses its memory.
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
