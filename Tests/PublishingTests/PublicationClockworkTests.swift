import Federation
import Hashing
import Publishing
import Testing

/// The clockwork with a store that takes time to answer, in virtual milliseconds.
private struct Run {
    var clockwork = PublicationClockwork(PublicationClockwork.Settings(), at: 0)
    var now: Int64 = 0
    var version: Int64 = 0
    /// The committed versions, by time, in rising order.
    var commits: [Int64] = []
    var readMilliseconds: () -> Int64 = { 3 }

    /// When reads began, and when viewers were sent which version.
    var reads: [Int64] = []
    var looks = 0
    var events: [(at: Int64, version: Int64)] = []
    private var published: Int64 = 0
    private var sent: Int64?

    private func position(at time: Int64) -> StorePosition {
        StorePosition(storeID: "s", version: Int64(commits.count { $0 <= time }))
    }

    /// Reports at their due times during a read, then reports the result of the read.
    mutating func run(until end: Int64) {
        while now < end {
            let (question, at) = clockwork.next(isWhole: false)
            let due = clockwork.reportDue
            if due < at {
                now = max(now, due)
                report()
                continue
            }
            now = max(now, at)
            guard question == .changes else {
                looks += 1
                now += 1
                clockwork.looked(position(at: now), at: now)
                continue
            }
            clockwork.readBegan(at: now)
            reads.append(now)
            let found = position(at: now)
            let answered = now + readMilliseconds()
            while clockwork.reportDue < answered {
                now = max(now, clockwork.reportDue)
                report()
            }
            now = answered
            clockwork.readEnded(found, at: now)
            published = found.version
            report()
        }
    }

    private mutating func report() {
        guard clockwork.reported(isNews: published != sent, at: now) else { return }
        sent = published
        events.append((now, published))
    }

    /// The longest time from a commit to an event that includes it.
    var longestWait: Int64 {
        var longest: Int64 = 0
        for (index, commit) in commits.enumerated() {
            guard let event = events.first(where: { $0.version > Int64(index) }) else {
                return .max
            }
            longest = max(longest, event.at - commit)
        }
        return longest
    }

    func gap(_ times: [Int64]) -> Int64 {
        zip(times, times.dropFirst()).map { $1 - $0 }.min() ?? .max
    }
}

@Suite struct PublicationClockworkTests {
    @Test("A commit after a quiet time is sent within one look; idle stores are read every second")
    func sparse() {
        var run = Run()
        run.commits = [5_400, 9_777]
        run.run(until: 12_000)
        #expect(run.longestWait <= 50 + 1 + 3 + 1)
        // One read per second, in addition to the reads that commits cause.
        #expect(run.reads.count <= 14)
        #expect(run.gap(run.reads) >= 250)
        #expect(run.events.map(\.version) == [0, 1, 2])
    }

    @Test("A change just after an event is sent at the next place, not a second later")
    func early() {
        for milliseconds in Int64(1)...600 {
            var run = Run()
            run.commits = [5_000, 5_000 + milliseconds]
            run.run(until: 8_000)
            #expect(run.longestWait <= 500 + 60, "\(milliseconds)")
            #expect(run.gap(run.events.map(\.at)) >= 500)
            #expect(run.gap(run.reads) >= 250)
        }
    }

    @Test("Whatever the phase of commits, every place has an event with all commits")
    func busy() {
        var random = SplitMix64(seed: 7)
        for phase in Int64(0)..<250 {
            var run = Run()
            var at = 2_000 + phase
            while at < 32_000 {
                run.commits.append(at)
                at += Int64.random(in: 1...90, using: &random)
            }
            let slow = Int64.random(in: 1...60, using: &random)
            run.readMilliseconds = { slow }
            run.run(until: 33_000)
            // One place, and the read at it.
            #expect(run.longestWait <= 500 + 2 * slow + 5, "phase \(phase), reads of \(slow) ms")
            #expect(run.gap(run.events.map(\.at)) >= 500)
            #expect(run.gap(run.reads) >= 250)
            #expect(run.events.count >= 50)
        }
    }

    @Test("A hanging read does not hold up a report of what is there")
    func hanging() {
        var run = Run()
        run.commits = [3_000, 3_100]
        run.run(until: 3_350)
        #expect(run.events.count == 2)
        // The second commit is published and waits for its place, where the read hangs.
        run.readMilliseconds = { 5_000 }
        run.run(until: 4_000)
        #expect(run.longestWait <= 500 + 250)
    }

    @Test("Commits do not bring forward a read of everything, nor one after a failure")
    func whole() {
        var clockwork = PublicationClockwork(PublicationClockwork.Settings(), at: 100)
        #expect(clockwork.next(isWhole: true).at == 100)
        clockwork.readBegan(at: 100)
        clockwork.readEnded(StorePosition(storeID: "s", version: 1), at: 110)
        #expect(clockwork.next(isWhole: false) == (.version, 350))
        #expect(clockwork.next(isWhole: true) == (.changes, 1_100))
        // After a missing answer, a read follows, which reconnects.
        clockwork.looked(nil, at: 350)
        #expect(clockwork.next(isWhole: false) == (.changes, 350))
        clockwork.readBegan(at: 350)
        clockwork.readEnded(nil, at: 360)
        #expect(clockwork.next(isWhole: false) == (.changes, 1_350))
    }
}
