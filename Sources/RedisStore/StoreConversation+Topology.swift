import CivilTime
import Federation
import Identifiers
import Logging
import Platform

extension StoreConversation {
    /// The store's topology; nil if it has none.
    mutating func storedTopology(deadline: Deadline) throws(RedisStoreError) -> StoredTopology? {
        let doing = "reading the topology"
        return try send(
            RedisCommand("HGETALL", StoreKeys.topology), deadline: deadline, doing: doing
        ) { StoredTopology(fields: Self.pairs($0)) }
    }

    /// Ensures, once per connection, that the store's topology matches this HQ's files, because a
    /// new connection may lead to another database. Writes them if they are newer.
    ///
    /// - Throws: `topologyOld` if the store holds a later generation.
    mutating func adoptTopologyOnce(now: UnixTime, deadline: Deadline) throws(RedisStoreError) {
        guard adoption != nil else { return }
        try connect()
        guard let adoption, adoption.mustAdopt(on: connectionNumber) else { return }
        let number = connectionNumber
        try adoptTopology(adoption, now: now, deadline: deadline)
        self.adoption?.wasAdopted(on: number)
    }

    /// Like `adoptTopologyOnce`, without writing: for operations that must not change the topology.
    mutating func checkTopology(deadline: Deadline) throws(RedisStoreError) {
        guard let own = configuration.topology,
            let stored = try storedTopology(deadline: deadline),
            stored.standing(of: own) == .older
        else { return }
        throw RedisStoreError(
            .topologyOld(stored: stored.generation), doing: "comparing topologies")
    }

    private mutating func adoptTopology(
        _ adoption: TopologyAdoption, now: UnixTime, deadline: Deadline
    ) throws(RedisStoreError) {
        for _ in 0..<ScriptLimits.topologyAttempts {
            let stored = try storedTopology(deadline: deadline)
            switch adoption.decide(over: stored, seconds: now.milliseconds / 1_000) {
            case .older(let generation):
                noteOld(stored: generation)
                throw RedisStoreError(
                    .topologyOld(stored: generation), doing: "comparing topologies")
            case .current:
                shared.take(stored)
                return
            case .write(let next):
                guard try write(next, over: stored, deadline: deadline) else { continue }
                shared.take(next)
                counters.update { $0.topologiesWritten += 1 }
                logger.notice(
                    "the store now counts the logs of this topology",
                    metadata: ["generation": "\(next.generation)"])
                return
            }
        }
        mend()
        throw RedisStoreError(.contended, doing: "writing the topology")
    }

    private mutating func noteOld(stored: Int64) {
        guard toldOldOn != connectionNumber else { return }
        toldOldOn = connectionNumber
        logger.error(
            "topology.yaml is older than the store's topology: bring it up to date and restart",
            metadata: [
                "generation": "\(configuration.topology?.generation ?? 0)",
                "stored_generation": "\(stored)",
            ])
    }

    /// False if another HQ changed it after it was read.
    private mutating func write(
        _ next: StoredTopology, over before: StoredTopology?, deadline: Deadline
    ) throws(RedisStoreError) -> Bool {
        var expected = MessagePack()
        expected.array(count: 2)
        expected.string(before.map { String($0.generation) })
        expected.string(before?.digest)
        var command = RedisCommand()
        command.append(expected)
        command.append(
            Self.packed(next.fields.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }))
        return try run(.writeTopology, command, deadline: deadline, doing: "writing the topology") {
            $0.texts.first == "written"
        }
    }

    /// Another HQ has written a later topology, or recorded a log's partition count.
    mutating func topologyHasChanged() { adoption?.hasChanged() }

    /// Converts alternating fields and values to a dictionary.
    static func pairs(_ hash: ReplyView) -> [String: String] {
        let texts = hash.texts
        var pairs: [String: String] = [:]
        for index in stride(from: 0, to: texts.count - 1, by: 2) {
            pairs[texts[index]] = texts[index + 1]
        }
        return pairs
    }
}
