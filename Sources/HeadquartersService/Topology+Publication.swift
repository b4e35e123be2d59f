import DeltaProtocol
import Federation
import Topology

extension Topology {
    /// What the publisher has to know.
    var publicationSettings: PublicationSettings {
        PublicationSettings(
            regions: regions.map { region in
                PublicationSettings.Region(
                    id: region.id, isRetired: region.state == .retired,
                    currentLogs: [region.currentLog].compactMap(\.?.id),
                    earlierLogs: region.countedLogs.dropLast().map(\.id))
            },
            currencies: Set(currencies), silentAfter: thresholds.silentAfter,
            laggingAfter: thresholds.degradedLag)
    }
}

extension Topology {
    /// What the report's maker has to know.
    var reportSettings: ReportBuilder.Settings {
        ReportBuilder.Settings(
            bases: baseCurrencies, defaultBase: defaultBase, unconverted: unconverted,
            minimumTransfers: thresholds.minimumTransfers,
            retired: Set(regions.filter { $0.state == .retired }.map(\.id)),
            expectsRates: rates != nil)
    }
}

extension Region {
    /// The logs whose values count, the current one last: those it continues, up to one that
    /// replaced what was before.
    var countedLogs: ArraySlice<RegionLog> {
        let first = logs.lastIndex { log in
            if case .replaces = log.relation { true } else { false }
        }
        return logs[(first ?? logs.startIndex)...]
    }
}
