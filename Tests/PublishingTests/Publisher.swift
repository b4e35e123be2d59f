import CivilTime
import Federation
import Identifiers
import Money
import Publishing

/// A publication by reference, because the test macros accept only non-mutating calls.
final class Publisher {
    private var publication: Publication

    init(settings: PublicationSettings) { publication = Publication(settings: settings) }

    init(settings: PublicationSettings, restoring checkpoint: PublicationCheckpoint) {
        publication = Publication(settings: settings, restoring: checkpoint)
    }

    var settings: PublicationSettings { publication.settings }
    var readPosition: StorePosition? { publication.readPosition }
    var counters: PublicationCounters { publication.counters }
    var changesEnd: ChangePosition { publication.changesEnd }
    var knownMinutes: ClosedRange<Minute>? { publication.knownMinutes }
    func take(_ refresh: StoreRefresh, now: UnixTime) { publication.take(refresh, now: now) }
    func take(_ findings: RegionFindings) { publication.take(findings) }
    var losses: [RegionID: [Minute]] { publication.losses }
    func areFilledAgain(_ regions: [RegionID]) { publication.areFilledAgain(regions) }
    func storeIsUnreachable() { publication.storeIsUnreachable() }
    func totals(now: UnixTime) -> PublishedTotals? { publication.totals(now: now) }
    func totals(of minute: Minute) -> [PublishedTotals.CurrencyTotal] {
        publication.totals(of: minute)
    }
    func minutesChanged(since position: ChangePosition?) -> [Minute]? {
        publication.minutesChanged(since: position)
    }
    func checkpoint(since position: ChangePosition?, now: UnixTime) -> PublicationCheckpoint? {
        publication.checkpoint(since: position, now: now)
    }
}
