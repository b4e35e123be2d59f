import CivilTime
import Federation

/// One HQ process: what it remembers beside the store.
final class HeadquartersProcess {
    let number: Int
    var isRunning = true
    /// Rises with every start.
    var incarnation = 1
    /// Its clock minus the true time, in milliseconds.
    var clockError: Int64 = 0
    /// Minutes that a script has touched without a known end.
    var suspects: [Int32] = []
    /// The store's connection on which all sums were compared last.
    var comparedOn = 0
    var publisher: PublisherCheck

    init(number: Int, publisher: PublisherCheck) {
        self.number = number
        self.publisher = publisher
    }

    func suspect(_ commits: [ShardCommit]) {
        for commit in commits { suspects += commit.changes.map(\.minute.number) }
    }
}
