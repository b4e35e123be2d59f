import CivilTime
import DeltaProtocol
import Federation
import Testing

@Suite struct StoreTextTests {
    @Test func `the watermark text is exact`() {
        var shard = StoredShard(
            watermark: 9_007_199_254_740_993,
            claims: Claims(valuesFrom: Minute(29_456_200), idsFrom: Minute(29_456_210)),
            foldVersion: FoldVersion(rules: 3, settings: 14, digest: 0xFFFF_0000_0000_0001),
            fingerprint: Fingerprint(offset: 77, timestamp: -5, crc: 0xDEAD_BEEF))
        #expect(
            shard.text
                == "9007199254740993 29456210 3.14.ffff000000000001 77:-5:deadbeef 29456200 -")
        #expect(StoredShard(text: shard.text) == shard)
        shard.fingerprint = nil
        shard.claims.idsShortUntil = Minute(29_456_300)
        #expect(
            shard.text == "9007199254740993 29456210 3.14.ffff000000000001 - 29456200 29456300")
        #expect(StoredShard(text: shard.text) == shard)
    }

    @Test func `the watermark text of rules generation 1 is accepted`() {
        let shard = StoredShard(text: "12 29456210 1.14.ff -5:deadbeef")
        #expect(
            shard
                == StoredShard(
                    watermark: 12,
                    claims: Claims(valuesFrom: Minute(29_456_210), idsFrom: Minute(29_456_210)),
                    foldVersion: FoldVersion(rules: 1, settings: 14, digest: 0xFF),
                    fingerprint: Fingerprint(offset: 11, timestamp: -5, crc: 0xDEAD_BEEF)))
    }

    @Test(arguments: [
        "", "1", "1 2 3.4.5", "1 2 3.4 -", "-1 2 3.4.5 -", "1 2 3.4.5 6", "1 2 3.4.5 6:7 ",
        " 1 2 3.4.5 -", "1  2 3.4.5 -", "x 2 3.4.5 -", "1 99999999999 3.4.5 -",
        "1 2 3.4.11112222333344445 -", "1 2 3.4.5 6:111122223", "9223372036854775808 2 3.4.5 -",
        "1 2 3.4.5 - 2", "1 2 3.4.5 - x -", "1 2 3.4.5 6:7 2 -", "1 2 3.4.5 - 2 y",
    ])
    func `a malformed watermark text is rejected`(text: String) {
        #expect(StoredShard(text: text) == nil)
    }

    @Test func `the liveness text is exact and preserves any name`() {
        var liveness = ShardLiveness(
            observedThrough: UnixTime(milliseconds: 123), receivedAt: UnixTime(milliseconds: 456),
            node: "node 1/é%-_.A")
        liveness.counters.applied = 1
        liveness.counters.duplicate = 2
        liveness.counters.late = 3
        liveness.counters.rejected = 4
        liveness.counters.control = 5
        liveness.counters.conflicts = 6
        #expect(liveness.text == "123 456 1 2 3 4 5 6 - node%201%2F%C3%A9%25-_.A")
        #expect(ShardLiveness(text: liveness.text) == liveness)
        liveness.observedThrough = nil
        liveness.marker = LedgerMarker(
            lsn: .max, system: "7 3/01", timeline: 2, markedAt: UnixTime(milliseconds: -9))
        liveness.node = ""
        #expect(
            liveness.text == "- 456 1 2 3 4 5 6 18446744073709551615/2/-9/7%203%2F01 ")
        #expect(ShardLiveness(text: liveness.text) == liveness)
    }

    @Test(arguments: [
        "", ShardLiveness.torn, "1 2 3 4 5 6 7 8 - %2", "1 2 3 4 5 6 7 8 - %zz",
        "1 2 3 4 5 6 7 8 - %ff", "1 2 3 4 5 6 7 8 1/2/3 n", "x 2 3 4 5 6 7 8 - n",
        "1 - 3 4 5 6 7 8 - n", "1 2 3 4 5 6 7 x - n", "1 2 3 4 5 6 7 8 - n n",
    ])
    func `a malformed liveness text is rejected`(text: String) {
        #expect(ShardLiveness(text: text) == nil)
    }

    @Test func `observed-through never falls while HQ keeps the shard, nor exceeds HQ's clock`() {
        let now = Merge.now
        let ahead = ShardLiveness(
            observedThrough: now + 500, receivedAt: now + 900, node: "a")
        let delta = Merge.delta(base: 0, coverage: 1, observedThrough: now + 60_000)
        let kept = ShardLiveness(delta: delta, node: "b", now: now, previous: ahead)
        #expect(kept.observedThrough == now + 500)
        // HQ's clock was ahead then: a shard that falls silent now must not look alive until then.
        #expect(kept.receivedAt == now)
        #expect(kept.node == "b")
        let fresh = ShardLiveness(delta: delta, node: "b", now: now, previous: nil)
        #expect(fresh.observedThrough == now)
        #expect(fresh.receivedAt == now)
    }

    @Test func `a lost shard's observed-through is forgotten with it`() throws {
        let liveness = ShardLiveness(observedThrough: Merge.now, receivedAt: Merge.now, node: "a")
        let decision = Merge.decide(
            Merge.delta(base: 0, coverage: 1, observedThrough: Merge.now - 90_000), stored: nil,
            liveness: liveness)
        let commit = try #require(decision.commit)
        let text = try #require(commit.liveness)
        #expect(ShardLiveness(text: text)?.observedThrough == Merge.now - 90_000)
    }

    @Test func `the greatest marker of one ledger is kept, another ledger's replaces it`() {
        func marker(_ lsn: UInt64, _ system: String, _ timeline: Int64 = 1) -> LedgerMarker {
            LedgerMarker(lsn: lsn, system: system, timeline: timeline, markedAt: Merge.now)
        }
        func after(_ new: LedgerMarker?) -> LedgerMarker? {
            var delta = Merge.delta(base: 0, coverage: 1)
            delta.marker = new
            let previous = ShardLiveness(
                observedThrough: nil, receivedAt: Merge.now, marker: marker(10, "s"), node: "a")
            return ShardLiveness(delta: delta, node: "a", now: Merge.now, previous: previous).marker
        }
        #expect(after(nil) == marker(10, "s"))
        #expect(after(marker(9, "s")) == marker(10, "s"))
        #expect(after(marker(11, "s")) == marker(11, "s"))
        #expect(after(marker(1, "t")) == marker(1, "t"))
        #expect(after(marker(1, "s", 2)) == marker(1, "s", 2))
    }
}
