import DeltaProtocol
import Identifiers
import Pacing
import Publishing
import Topology

extension Topology {
    /// The publisher's settings.
    var publicationSettings: PublicationSettings {
        PublicationSettings(
            regions: regions.map { region in
                PublicationSettings.RegionSettings(
                    id: region.id, isRetired: region.state == .retired,
                    currentLogs: [region.currentLog].compactMap(\.?.id),
                    earlierLogs: region.countedLogs.dropLast().map(\.id))
            },
            currencies: Set(currencies), silentAfter: thresholds.silentAfter,
            laggingAfter: thresholds.degradedLag)
    }
}

extension PublishingPace {
    /// The settings of the publisher's clockwork.
    var clockworkSettings: PublicationClockwork.Settings {
        var settings = PublicationClockwork.Settings()
        settings.refreshMin = refreshMin.milliseconds
        settings.refreshMax = refreshMax.milliseconds
        settings.eventMin = eventMin.milliseconds
        return settings
    }
}

extension Topology {
    /// The report builder's settings.
    var reportSettings: ReportBuilder.Settings {
        ReportBuilder.Settings(
            bases: baseCurrencies, defaultBase: defaultBase, unconverted: unconverted,
            minimumTransfers: thresholds.minimumTransfers,
            retired: Set(regions.filter { $0.state == .retired }.map(\.id)),
            expectsRates: rates != nil)
    }
}

extension Region {
    /// The partition counts of its counted logs, as far as the file declares them.
    var declaredPartitions: [LogID: Int32] {
        var declared: [LogID: Int32] = [:]
        for log in countedLogs { declared[log.id] = log.partitions }
        return declared
    }
}

extension Topology {
    /// By region, the logs whose values count, and the greatest number of partitions of each.
    var knownLogs: [RegionID: [LogID: Int32]] {
        var known: [RegionID: [LogID: Int32]] = [:]
        for region in regions {
            for log in region.countedLogs {
                known[region.id, default: [:]][log.id] = log.partitions ?? undeclaredPartitions
            }
        }
        return known
    }
}
