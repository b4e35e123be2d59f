/// Counts for each event how many viewers it reached, and how fast.
struct ViewerStatistics {
    private struct Update {
        /// By latency in milliseconds.
        var viewers: [Int64: Int] = [:]
        var count = 0
    }

    /// By target and time of publication.
    private var updates: [Int: [Int64: Update]] = [:]
    private var isCounting = false

    /// Ignores earlier events, while viewers were still connecting.
    mutating func startCounting() { isCounting = true }

    mutating func note(target: Int, publishedAt: Int64, arrivedAt: Int64) {
        guard isCounting else { return }
        let latency = max(0, arrivedAt - publishedAt)
        updates[target, default: [:]][publishedAt, default: Update()].viewers[
            latency, default: 0] += 1
        updates[target]?[publishedAt]?.count += 1
    }

    /// The elements of an array, by target and time.
    var json: String {
        updates.sorted { $0.key < $1.key }.flatMap { target, byTime in
            byTime.sorted { $0.key < $1.key }.map { time, update in
                let latencies = update.viewers.sorted { $0.key < $1.key }
                    .map { "[\($0.key),\($0.value)]" }.joined(separator: ",")
                return """
                    {"target":\(target),"published":\(time),"viewers":\(update.count),\
                    "latency_ms":[\(latencies)]}
                    """
            }
        }.joined(separator: ",")
    }
}
