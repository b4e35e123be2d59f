internal import Foundation

/// Lets threads fold their blocks one at a time, in the order in which the blocks were read.
///
/// Safe to share: only the thread whose turn it is touches mutable state, and turns are handed over
/// under the condition's lock. Every turn comes, because the thread that has read the earlier block
/// is running.
final class FoldStage: @unchecked Sendable {
    private let turn = NSCondition()
    private var nextNumber = 0
    private var state: State
    private let onProgress: (@Sendable (RollupProgress) -> Void)?

    private struct State: ~Copyable {
        var fold: RollupFold
        var progress: RollupProgress
    }

    init(
        fold: consuming RollupFold, progress: RollupProgress,
        onProgress: (@Sendable (RollupProgress) -> Void)?
    ) {
        state = State(fold: fold, progress: progress)
        self.onProgress = onProgress
    }

    /// Waits for the block's turn and folds its entries.
    func fold(_ entries: [RollupEntry], _ counters: RollupCounters, of block: LineBlock) {
        turn.lock()
        while nextNumber != block.number { turn.wait() }
        turn.unlock()

        state.fold.fold(entries)
        state.fold.add(counters)
        state.progress.bytes += block.bytesRead
        state.progress.records += counters.consumed
        onProgress?(state.progress)

        turn.lock()
        nextNumber += 1
        turn.broadcast()
        turn.unlock()
    }

    /// The result, once no thread folds any more.
    func result() -> RollupResult { state.fold.result() }
}
