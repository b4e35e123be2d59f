import CivilTime
import DeltaProtocol
import Federation
import Identifiers

extension RegionPublication {
    /// Why the region degrades the answer, in the order of the reasons. `readAt` is when the store
    /// last answered: if the store is silent, the region does not count as silent.
    func degradations(
        now: UnixTime, readAt: UnixTime?, dataAsOf: UnixTime,
        settings limits: PublicationSettings
    ) -> [Degradation] {
        guard !settings.isRetired else { return [] }
        guard let readAt else {
            // Before the store's first answer nothing else is known.
            return isRecovering ? [Degradation(recovery, region: settings.id)] : []
        }
        let expected = expectedStandings()
        var reasons: [Degradation.Reason] = []
        if isRecovering {
            reasons.append(recovery)
        } else if expected.known.isEmpty {
            reasons.append(.regionMissing)
        } else if expected.missing > 0
            || expected.known.contains(where: { $0.observedThrough == nil })
        {
            reasons.append(.partitionsMissing)
        }
        if let last = expected.known.map(\.receivedAt).min(),
            elapsed(from: last, to: readAt) > limits.silentAfter
        {
            reasons.append(.regionSilent)
        }
        let observed = expected.known.map(\.observedThrough) + [observedThrough]
        if let least = observed.compactMap(\.self).min(),
            // `data_as_of` may already be later than anything a newly joined shard has observed.
            elapsed(from: least, to: now) > limits.laggingAfter || least < dataAsOf
        {
            reasons.append(.regionLagging)
        }
        if isHistoryIncomplete() { reasons.append(.incomplete) }
        if moneyAhead(of: now) != nil { reasons.append(.ahead) }
        let counted = trends.filter { counts($0.key.log) }.values
        if counted.contains(where: \.isRejecting) { reasons.append(.rejecting) }
        if counted.contains(where: \.isLate) { reasons.append(.lateMoney) }
        reasons += findings
        return reasons.map { Degradation($0, region: settings.id) }
    }

    private var recovery: Degradation.Reason { hasLoss ? .storeLoss : .storeRefilling }

    /// True if the total may lack money of the window: a shard has no values for some minute, late
    /// money may be unproven, or the store has lost a log that is no longer read.
    private func isHistoryIncomplete() -> Bool {
        guard let current = shown.current else { return false }
        let logs = Set(standings.keys.map(\.log))
        if !logs.isSuperset(of: settings.earlierLogs) { return true }
        let start = SlidingWindow.minutes(endingWith: current).lowerBound
        let claims = standings.filter { counts($0.key.log) }.values.map(\.claims)
        if claims.contains(where: { $0.valuesFrom > start }) { return true }
        guard let idsFrom = claims.map(\.idsFrom).max(), idsFrom > start else { return false }
        // Unproven money is stored as late money of minutes before ids-from. Other late money there
        // cannot be distinguished from it.
        return (start..<min(idsFrom, current.advanced(by: 1))).contains { !late.ring[$0].isEmpty }
    }

    private func elapsed(from earlier: UnixTime, to later: UnixTime) -> Duration {
        .milliseconds((later - earlier.milliseconds).milliseconds)
    }
}
