import Federation
import Identifiers
import Testing

@Suite struct StoreTopologyTests {
    private static let eu = RegionID("eu-west")!
    private static let us = RegionID("us-east")!

    private static func log(_ name: String, _ partitions: Int32? = nil) -> StoreTopology.Log {
        .init(id: LogID(name)!, partitions: partitions)
    }

    private static func name(_ log: String) -> StoredTopology.LogName {
        .init(region: eu, log: LogID(log)!)
    }

    private static func topology(
        _ generation: Int64, _ logs: [StoreTopology.Log]
    ) -> StoreTopology {
        StoreTopology(generation: generation, logs: [eu: logs, us: [log("main", 6)]])
    }

    @Test("The digest covers what counts: logs in order, partitions and regions")
    func digests() {
        let all = [
            Self.topology(1, [Self.log("a")]), Self.topology(1, [Self.log("b")]),
            Self.topology(1, [Self.log("a", 12)]),
            Self.topology(1, [Self.log("a"), Self.log("b")]),
            Self.topology(1, [Self.log("b"), Self.log("a")]),
            StoreTopology(generation: 1, logs: [Self.eu: [Self.log("a")]]),
        ]
        #expect(Set(all.map(\.digest)).count == all.count)
        #expect(
            Self.topology(1, [Self.log("a")]).digest == Self.topology(2, [Self.log("a")]).digest)
    }

    @Test("A greater generation is written, an equal one is not")
    func standings() {
        let stored = StoredTopology(Self.topology(4, [Self.log("a")]), over: nil, seconds: 0)
        #expect(stored.standing(of: Self.topology(5, [Self.log("b")])) == .newer)
        #expect(stored.standing(of: Self.topology(4, [Self.log("a")])) == .current)
        #expect(stored.standing(of: Self.topology(4, [Self.log("b")])) == .older)
        #expect(stored.standing(of: Self.topology(3, [Self.log("a")])) == .older)
    }

    @Test("A written topology reads back the same, and unknown fields are ignored")
    func roundTrip() throws {
        var stored = StoredTopology(
            Self.topology(2, [Self.log("a"), Self.log("b")]), over: nil, seconds: 7)
        stored.partitions[Self.name("b")] = 12
        stored.removed[Self.name("c")] = 99
        var fields = stored.fields
        #expect(fields["logs:eu-west"] == "a b")
        #expect(fields["partitions:eu-west/b"] == "12")
        #expect(fields["removed:eu-west/c"] == "99")
        fields["note"] = "x"
        fields["partitions:eu-west"] = "x"
        #expect(StoredTopology(fields: fields) == stored)
        #expect(StoredTopology(fields: [:]) == nil)
        #expect(StoredTopology(fields: ["generation": "x", "digest": "1"]) == nil)
    }

    @Test("A log that no longer counts leaves a tombstone until it counts again or expires")
    func tombstones() {
        var first = StoredTopology(Self.topology(1, [Self.log("a")]), over: nil, seconds: 0)
        first.partitions = [Self.name("a"): 6, .init(region: Self.us, log: LogID("main")!): 3]
        let second = StoredTopology(Self.topology(2, [Self.log("b")]), over: first, seconds: 1_000)
        #expect(second.removed == [Self.name("a"): 1_000 + StoredTopology.removedSeconds])
        #expect(second.partitions == [.init(region: Self.us, log: LogID("main")!): 3])
        let again = StoredTopology(
            Self.topology(3, [Self.log("b"), Self.log("a")]), over: second, seconds: 2_000)
        #expect(again.removed == [:])
        let late = StoredTopology(
            Self.topology(3, [Self.log("b")]), over: second,
            seconds: 1_000 + StoredTopology.removedSeconds)
        #expect(late.removed == [:])
    }
}
