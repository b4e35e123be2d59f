import Federation
import Publishing

/// What is pending in one publisher, and since when.
struct Waits {
    /// When the oldest unread commit was made.
    var commitSince: Int64?
    /// The totals last sent to viewers, when, and since when newer ones are pending.
    var sent: PublishedTotals?
    var notifiedAt: Int64?
    var unseenSince: Int64?
}

extension SeedOptions {
    /// Like production, but slower, like everything in the simulation.
    var clockworkSettings: PublicationClockwork.Settings {
        var settings = PublicationClockwork.Settings()
        settings.refreshMax = publishWait
        settings.refreshMin = publishWait / 4
        settings.eventMin = publishWait / 2
        settings.look = publishWait / 10
        return settings
    }
}

/// The publisher's clockwork: performs what is due, and checks that neither a commit nor a viewer
/// waits longer than the intervals allow.
extension World {
    /// Performs what the clockwork says is due, then schedules the next turn.
    func takeTurn(_ process: HeadquartersProcess) {
        let (question, at) = next(of: process)
        if at <= elapsed {
            switch question {
            case .version:
                probes.hit(.versionAsked)
                let store = process.site.store
                let position = StorePosition(storeID: store.id ?? "", version: store.version)
                process.publisher.clockwork.looked(
                    process.site.isReachable ? position : nil, at: elapsed)
            case .changes:
                publish(process)
            }
        } else if process.publisher.clockwork.reportDue <= elapsed {
            probes.hit(.reportWithoutRead)
            report(process)
        }
        checkWaits(of: process)
        schedule(
            .publisherTurn(headquarters: process.number, incarnation: process.incarnation),
            after: max(
                0, min(next(of: process).at, process.publisher.clockwork.reportDue) - elapsed))
    }

    private func next(
        of process: HeadquartersProcess
    ) -> (question: PublicationClockwork.Question, at: Int64) {
        process.publisher.clockwork.next(
            isWhole: process.publisher.publication.readPosition == nil)
    }

    /// Every process of the site has something to read.
    func noteCommit(at site: Site) {
        for process in headquarters where process.site === site && process.isRunning {
            checkWaits(of: process)
            process.publisher.waits.commitSince = process.publisher.waits.commitSince ?? elapsed
        }
    }

    /// Sends an event to a process's viewers if the clockwork says so.
    func notifyViewers(_ totals: PublishedTotals?, by process: HeadquartersProcess) {
        let isNews = totals != nil && process.publisher.waits.sent != totals
        let settings = process.publisher.clockwork.settings
        guard process.publisher.clockwork.reported(isNews: isNews, at: elapsed) else {
            process.publisher.waits.unseenSince =
                isNews ? process.publisher.waits.unseenSince ?? elapsed : nil
            return
        }
        if let last = process.publisher.waits.notifiedAt, elapsed < last + settings.eventMin {
            fail("headquarters \(process.number) sends events too often")
        }
        if process.publisher.waits.unseenSince != nil { probes.hit(.eventWaited) }
        process.publisher.waits.sent = totals
        process.publisher.waits.notifiedAt = elapsed
        process.publisher.waits.unseenSince = nil
    }

    private func checkWaits(of process: HeadquartersProcess) {
        let settings = process.publisher.clockwork.settings
        let waits = process.publisher.waits
        if let since = waits.unseenSince, elapsed > since + settings.eventMin + settings.refreshMin
        {
            fail("viewers of headquarters \(process.number) have waited since \(since) ms")
        }
        // A process that reads everything, or whose last read failed, may take longer. After a
        // failover, the version may be one that it has already seen.
        let isHurried =
            process.publisher.publication.readPosition != nil
            && process.publisher.connection == process.site.store.connection
        let most = isHurried ? settings.refreshMin + settings.look : settings.refreshMax
        if let since = waits.commitSince, elapsed > since + most {
            fail("headquarters \(process.number) has not read what was committed at \(since) ms")
        }
    }
}
