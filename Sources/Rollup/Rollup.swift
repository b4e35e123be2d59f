internal import Aggregation
internal import Dispatch
internal import Synchronization
internal import Topology

/// Folds files of transfers, one JSON record a line, with the core of the regional aggregator.
/// Files may be compressed with gzip or zstd, and begin with a byte-order mark of UTF-8 or UTF-16.
///
/// An input whose first line begins an array, or a record that spans several lines, is refused as a
/// whole: some of its lines may look like records without being any.
///
/// Offline there are no record timestamps: no record is late or ahead, ids are remembered for the
/// whole input, and every minute is kept. Records count in the order of the inputs and their lines,
/// whatever the number of threads: each thread decodes the blocks that it reads, and folds them in
/// turn.
///
/// Memory: 23 to 46 bytes per distinct id (half as much again during growth, if the input's size is
/// unknown), 48 to 96 per bucket, under 1 MiB per thread.
package struct Rollup: Sendable {
    /// The inputs to fold, in this order.
    package var inputs: [RollupInput]
    /// True to omit repeats of a `transfer_id`.
    package var dedupes = true
    /// The values of a row's state that mean settled.
    package var settledWords = Region.defaultSettledWords
    /// The number of worker threads; at least 1.
    package var threads: Int
    /// Called after each block by the thread that folded it, never concurrently.
    package var onProgress: (@Sendable (RollupProgress) -> Void)?

    package init(inputs: [RollupInput], threads: Int) {
        self.inputs = inputs
        self.threads = threads
    }

    /// Folds all inputs. Blocks the calling thread, which is one of the workers.
    package func run() throws(RollupError) -> RollupResult {
        let totalBytes = try RollupInput.totalBytes(of: inputs)
        let key = IDKey(low: .random(in: .min ... .max), high: .random(in: .min ... .max))
        let reader = LineBlockReader(inputs: inputs)
        let stage = FoldStage(
            fold: RollupFold(
                dedupes: dedupes, expectedIDs: (totalBytes ?? 0) / Self.typicalLineBytes),
            progress: RollupProgress(bytes: 0, records: 0, totalBytes: totalBytes),
            onProgress: onProgress)
        let failure = Mutex<RollupError?>(nil)

        DispatchQueue.concurrentPerform(iterations: max(threads, 1)) { _ in
            let block = LineBlock()
            var decoder = BlockDecoder(key: key, settledWords: settledWords)
            do throws(RollupError) {
                while try reader.read(into: block) {
                    decoder.decode(block)
                    stage.fold(decoder.entries, decoder.counters, of: block)
                }
            } catch {
                failure.withLock { $0 = $0 ?? error }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        var result = stage.result()
        result.refused = reader.refused
        return result
    }

    /// Used for the initial size of the id memory: most transfers have 105 to 125 bytes.
    private static let typicalLineBytes = 110
}
