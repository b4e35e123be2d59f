import Federation
import Publishing

/// What waits in one publisher, and since when.
struct Waits {
    /// Since when a commit has not been read.
    var commitSince: Int64?
    /// What viewers were sent last, when, and since when they lack something newer.
    var sent: PublishedTotals?
    var notifiedAt: Int64?
    var unseenSince: Int64?
}

extension SeedOptions {
    /// As in production, at a slower pace, as everything is here.
    var clockworkSettings: PublicationClockwork.Settings {
        var settings = PublicationClockwork.Settings()
        settings.refreshMax = publishWait
        settings.refreshMin = publishWait / 4
        settings.eventMin = publishWait / 2
        settings.look = publishWait / 10
        return settings
    }
}

/// The publisher's clockwork: what it asks when, and that neither a commit nor a viewer waits for
/// longer than the paces allow.
extension World {
    /// What the clockwork says is due, then the next turn.
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

    /// Sends the viewers of a process an event where the clockwork says so.
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
        // One that reads everything, or that had no answer, takes its time; after a failover the
        // version may be one that it has seen.
        let isHurried =
            process.publisher.publication.readPosition != nil
            && process.publisher.connection == process.site.store.connection
        let most = isHurried ? settings.refreshMin + settings.look : settings.refreshMax
        if let since = waits.commitSince, elapsed > since + most {
            fail("headquarters \(process.number) has not read what was committed at \(since) ms")
        }
    }
}
