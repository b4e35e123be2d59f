import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money

/// The global database: its contents, and enough of its history to lose it again.
///
/// Its operations are those of the real store, in the real order; each is one atomic step there.
/// All changes are journalled, so that a failover can undo the last commits.
struct StoreModel {
    /// HQ's texts of one shard, without its buckets.
    struct Texts: Equatable {
        let watermark: String?
        var liveness: String?
        /// `watermark`, parsed.
        let stored: StoredShard?

        init(watermark: String? = nil, liveness: String? = nil) {
            self.watermark = watermark
            self.liveness = liveness
            stored = watermark.flatMap { StoredShard(text: $0) }
        }

        /// The same watermark with another liveness.
        func with(liveness: String?) -> Texts {
            var changed = self
            changed.liveness = liveness
            return changed
        }
    }

    enum Table: Equatable {
        /// The published sums, and the counts, over all shards.
        case sums
        /// By minute, the version of its last change.
        case changes
        case buckets(Int)
        case late(Int)
        /// Missed money by shard, by minute of arrival.
        case missed(Int)
    }

    private enum Undo {
        case cell(Table, minute: Int32, column: Int, old: BucketValue)
        case texts(shard: Int, old: Texts)
        case version(Int64)
        case listed(Int64)
        case id(String?)
        case partitionCount(log: Int, old: Int32)
        case topology(StoredTopology?)
    }

    let currencies: [Currency]
    /// Nil before the first commit into an empty database.
    private(set) var id: String?
    private(set) var version: Int64 = 0
    /// The version at which a minute was last listed.
    private(set) var listed: Int64 = 0
    private(set) var texts: [Texts]
    /// By log of the world, the partition count reported by its region; 0 for never.
    private(set) var partitionCounts: [Int32]
    /// The logs that count.
    private(set) var topology: StoredTopology?
    private(set) var sums: MinuteTable
    private(set) var changes = MinuteTable(width: 1)
    private(set) var buckets: [MinuteTable]
    private(set) var late: [MinuteTable]
    private(set) var missed: [MinuteTable]
    /// Rises whenever clients must reconnect.
    private(set) var connection = 1
    /// The first minute whose keys have not expired.
    private(set) var firstMinute = Int32.min
    private var identities = 0
    private var marked = 0
    private var journal: [Undo] = []
    /// The journal position at which each writing step began.
    private var marks: [Int] = []

    init(shards: Int, logs: Int, currencies: [Currency]) {
        self.currencies = currencies
        texts = [Texts](repeating: Texts(), count: shards)
        partitionCounts = [Int32](repeating: 0, count: logs)
        sums = MinuteTable(width: currencies.count)
        buckets = [MinuteTable](repeating: sums, count: shards)
        late = buckets
        missed = buckets
    }

    /// The number of steps that a failover could undo.
    var undoableSteps: Int { marks.count }

    func stored(_ shard: Int) -> StoredShard? {
        texts[shard].stored
    }

    /// True if the last script that wrote the shard failed midway.
    func isHalfWritten(_ shard: Int) -> Bool {
        texts[shard].liveness.map(ShardLiveness.isTorn) ?? false
    }

    /// True if the shard is being written in several steps, or was when its writer ended.
    func isFilling(_ shard: Int) -> Bool {
        texts[shard].liveness.map(ShardLiveness.isFilling) ?? false
    }

    /// Drops a shard's watermark, so that its region sends it whole.
    mutating func dropWatermark(_ shard: Int) {
        beginStep()
        set(Texts(watermark: nil, liveness: texts[shard].liveness), of: shard)
    }

    /// Adds one transfer of no log to a bucket and to its sum, and drops the shard's watermark. In
    /// one step, because a failover that undid only the latter would leave undetectable money.
    mutating func stray(_ shard: Int, minute: Int32, column: Int, amount: Int64) {
        spoil(shard, minute: minute, column: column, amount: amount)
        set(Texts(watermark: nil, liveness: texts[shard].liveness), of: shard)
    }

    /// Like `stray`, but keeps the watermark: only the digest audit can find it.
    mutating func spoil(_ shard: Int, minute: Int32, column: Int, amount: Int64) {
        beginStep()
        for table in [Table.buckets(shard), .sums] {
            var value = self[table, minute, column]
            value.settled += amount
            value.transfers += 1
            set(table, minute, column, value)
        }
        advanceVersion()
        list([minute])
    }

    func column(_ currency: Currency) -> Int? { currencies.firstIndex(of: currency) }

    // MARK: - Losing things

    /// Advances the database's own clock. Returns true if minutes expired.
    mutating func expire(at now: Int64) -> Bool {
        let first = Int32(now / 60_000) - Int32(Limits.retainedMinutes) + 1
        guard first > firstMinute else { return false }
        firstMinute = first
        let had = sums.minutes.first.map { $0 < first } ?? false
        removeExpired()
        return had
    }

    private mutating func removeExpired() {
        sums.removeAll(before: firstMinute)
        for shard in buckets.indices {
            buckets[shard].removeAll(before: firstMinute)
            late[shard].removeAll(before: firstMinute)
            missed[shard].removeAll(before: firstMinute)
        }
    }

    /// Undoes the last `count` steps, like a failover to a replica that lacks them.
    mutating func rollBack(steps count: Int) {
        guard count > 0, count <= marks.count else { return }
        let mark = marks[marks.count - count]
        marks.removeLast(count)
        while journal.count > mark {
            guard let undo = journal.popLast() else { break }
            switch undo {
            case .cell(let table, let minute, let column, let old):
                write(table, minute, column, old)
            case .texts(let shard, let old): texts[shard] = old
            case .version(let old): version = old
            case .listed(let old): listed = old
            case .id(let old): id = old
            case .partitionCount(let log, let old): partitionCounts[log] = old
            case .topology(let old): topology = old
            }
        }
        connection += 1
        removeExpired()
    }

    mutating func wipe() {
        let (identities, marked) = (identities, marked)
        let connection = connection
        let firstMinute = firstMinute
        self = StoreModel(
            shards: texts.count, logs: partitionCounts.count, currencies: currencies)
        (self.identities, self.marked) = (identities, marked)
        self.connection = connection + 1
        self.firstMinute = firstMinute
    }

    mutating func reconnect() { connection += 1 }

    // MARK: - Single writes, for the steps

    mutating func beginStep() { marks.append(journal.count) }

    /// A different number each time, like a random one.
    mutating func nextMark() -> Int {
        marked += 1
        return marked
    }

    subscript(table: Table, minute: Int32, column: Int) -> BucketValue {
        switch table {
        case .sums: sums[minute, column]
        case .changes: changes[minute, column]
        case .buckets(let shard): buckets[shard][minute, column]
        case .late(let shard): late[shard][minute, column]
        case .missed(let shard): missed[shard][minute, column]
        }
    }

    mutating func set(_ table: Table, _ minute: Int32, _ column: Int, _ value: BucketValue) {
        journal.append(
            .cell(table, minute: minute, column: column, old: self[table, minute, column]))
        write(table, minute, column, value)
    }

    private mutating func write(
        _ table: Table, _ minute: Int32, _ column: Int, _ value: BucketValue
    ) {
        // An expired key is removed as it is written; the list of changes has no expiry.
        if table != .changes, minute < firstMinute { return }
        switch table {
        case .sums: sums[minute, column] = value
        case .changes: changes[minute, column] = value
        case .buckets(let shard): buckets[shard][minute, column] = value
        case .late(let shard): late[shard][minute, column] = value
        case .missed(let shard): missed[shard][minute, column] = value
        }
    }

    mutating func set(_ new: Texts, of shard: Int) {
        journal.append(.texts(shard: shard, old: texts[shard]))
        texts[shard] = new
    }

    /// Allocates the next version, and an identity if there is none.
    mutating func advanceVersion() {
        if id == nil {
            identities += 1
            journal.append(.id(nil))
            id = "database-\(identities)"
        }
        journal.append(.version(version))
        version += 1
    }

    /// Lists minutes as changed at the present version.
    mutating func list(_ minutes: some Sequence<Int32>) {
        let isWhole = isListWhole
        var hasAny = false
        for minute in minutes {
            set(.changes, minute, 0, BucketValue(settled: version))
            hasAny = true
        }
        if hasAny { note(listed: isWhole ? version : .max) }
    }

    /// Marks the list of changes as complete.
    mutating func settleChanges() {
        guard !isListWhole else { return }
        beginStep()
        note(listed: lastListed)
    }

    private mutating func note(listed version: Int64) {
        journal.append(.listed(listed))
        listed = version
    }

    /// The greatest version in the list of changes.
    private var lastListed: Int64 {
        changes.minutes.indices.reduce(0) { max($0, changes.value(row: $1, column: 0).settled) }
    }

    /// True if the minute listed last is still there.
    var isListWhole: Bool { lastListed >= listed }

    /// Removes expired minutes from the list of changes.
    mutating func pruneChanges() {
        let isWhole = isListWhole
        changes.removeAll(before: firstMinute)
        if isWhole, lastListed != listed { note(listed: lastListed) }
    }

    // MARK: - Keys that vanish

    /// Removes one hash of a shard's buckets.
    mutating func loseHash(_ shard: Int, minute: Int32) {
        beginStep()
        for column in currencies.indices { set(.buckets(shard), minute, column, .zero) }
    }

    /// Removes the sums and counts of one minute.
    mutating func loseSums(minute: Int32) {
        beginStep()
        for column in currencies.indices { set(.sums, minute, column, .zero) }
    }

    /// Removes the list of changes, or one minute of it.
    mutating func loseChanges(minute: Int32? = nil) {
        beginStep()
        for lost in minute.map({ [$0] }) ?? changes.minutes { set(.changes, lost, 0, .zero) }
    }

    mutating func write(_ topology: StoredTopology) {
        beginStep()
        journal.append(.topology(self.topology))
        self.topology = topology
    }

    /// True if the store counts the log of a shard.
    func counts(_ shard: ShardID) -> Bool {
        topology?.logs[shard.region]?.contains(shard.log) ?? true
    }

    mutating func setPartitionCount(_ count: Int32, of log: Int) {
        guard partitionCounts[log] != count else { return }
        journal.append(.partitionCount(log: log, old: partitionCounts[log]))
        partitionCounts[log] = count
    }
}
