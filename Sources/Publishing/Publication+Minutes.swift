package import CivilTime
import DeltaProtocol
import Federation
import Money

/// The shown values by minute, for owners of derived data.
extension Publication {
    /// The present end of the list of changed minutes.
    package var changesEnd: ChangePosition { changes.end }

    /// The minutes shown with new values since `position`, in rising order; nil if every minute may
    /// have changed. Minutes that only entered or left the window are not included.
    package func minutesChanged(since position: ChangePosition?) -> [Minute]? {
        changes.since(position).map { Set($0.map(\.minute)).sorted() }
    }

    /// The sums of one minute over all regions, by currency code; empty if there are none.
    package func totals(of minute: Minute) -> [PublishedTotals.CurrencyTotal] {
        var sums = [SlidingWindow.Sum](repeating: .init(), count: Currency.count)
        for region in regions {
            for entry in region.shown.ring[minute] {
                let index = Int(entry.currency.index)
                sums[index].amount += entry.value.publishedWide
                sums[index].transfers += Int128(entry.value.transfers)
            }
        }
        return currencyTotals(sums)
    }

    /// The minutes that every active region knows in full: there, a missing value is zero. Nil if
    /// there are none.
    package var knownMinutes: ClosedRange<Minute>? {
        guard let currentMinute else { return nil }
        var first = Minute(.min)
        var last = currentMinute
        for region in regions where !region.settings.isRetired {
            guard let from = region.knownFrom, let through = region.observedThrough else {
                return nil
            }
            first = max(first, from)
            last = min(last, through.minute)
        }
        return first <= last ? first...last : nil
    }

    /// What is shown and what it stands on: the minutes changed since `position`, or all of them
    /// where that is nil or too long ago. Nil before anything is shown.
    package func checkpoint(since position: ChangePosition?, now: UnixTime)
        -> PublicationCheckpoint?
    {
        guard let currentMinute, let dataAsOf, let greatestObservedThrough,
            let store = self.position
        else { return nil }
        let changed = changes.since(position)
        var minutes = [Set<Minute>](repeating: [], count: regions.count)
        for change in changed ?? [] { minutes[change.region].insert(change.minute) }
        return PublicationCheckpoint(
            isWhole: changed == nil, takenAt: now, position: store, currentMinute: currentMinute,
            dataAsOf: dataAsOf, greatestObservedThrough: greatestObservedThrough,
            regions: regions.indices.map { index in
                regions[index].checkpoint(minutes: changed == nil ? nil : minutes[index].sorted())
            })
    }
}
