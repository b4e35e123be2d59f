import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money

extension World {
    /// The commit's missed money must include all money that arrived after its minute had left HQ's
    /// retention.
    ///
    /// - Parameter before: the watermark before the commit.
    func checkMissed(
        _ commit: ShardCommit, shard: Int, from before: Int64?, to watermark: Int64,
        _ task: RoundTask
    ) {
        let delta = task.round.request.shards.first {
            $0.log == commit.shard.log && $0.partition == commit.shard.partition
        }
        // History that was already too old when an empty store was filled is not missed.
        if before == nil { task.process.site.checks[shard].filledAt = logs[shard].end }
        // Money that the store once had and lost was shown in time; nodes do not send it again. No
        // node can report records that retention removed before they were read.
        let low = logs[shard].low
        guard let before, before > 0, before >= task.process.site.highest[shard],
            before >= task.process.site.checks[shard].filledAt, let delta, delta.base != 0,
            before < watermark
        else { return }
        let first = NaiveFold.minute(task.round.present.milliseconds) - 1_499
        var right = options.currencies.map { _ in (settled: Int64(0), transfers: Int64(0)) }
        for step in truths[shard].steps
        where step.offset >= max(before, low) && step.offset < watermark
            && step.change.cell.minute < first
        {
            // Nodes read a little more than two days of the log.
            let entry = logs[shard].entries[logs[shard].place(of: step.offset)]
            guard entry.stamp >= task.round.present.milliseconds - 50 * 3_600_000 else { continue }
            let (old, new) = (step.change.old, step.change.new)
            right[step.change.cell.column].settled += new.settled - old.settled
            right[step.change.cell.column].transfers += new.transfers - old.transfers
        }
        for (column, currency) in options.currencies.enumerated()
        where right[column].transfers > 0 {
            probes.hit(.missedMoney)
            let told = commit.missed.first { $0.currency == currency }?.value ?? .zero
            // A delta's sums are capped.
            let settled = min(right[column].settled, 1 << 52)
            if told.settled < settled || told.transfers < right[column].transfers {
                fail(
                    "\(commit.shard) missed \(right[column].settled) \(currency), "
                        + "but reported \(told.settled)")
            }
        }
    }
}
