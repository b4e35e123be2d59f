/// Future events, ordered by (time, order of scheduling): events at equal times keep the order in
/// which they were scheduled, so a run has one order.
struct EventQueue {
    private struct Item {
        var time: Int64
        var sequence: UInt64
        var event: WorldEvent

        func precedes(_ other: Item) -> Bool {
            time != other.time ? time < other.time : sequence < other.sequence
        }
    }

    private var heap: [Item] = []
    private var scheduled: UInt64 = 0

    mutating func add(_ event: WorldEvent, at time: Int64) {
        scheduled += 1
        heap.append(Item(time: time, sequence: scheduled, event: event))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].precedes(heap[parent]) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func next() -> (time: Int64, event: WorldEvent)? {
        guard !heap.isEmpty else { return nil }
        heap.swapAt(0, heap.count - 1)
        let item = heap.removeLast()
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < heap.count else { break }
            let right = left + 1
            let least = right < heap.count && heap[right].precedes(heap[left]) ? right : left
            guard heap[least].precedes(heap[parent]) else { break }
            heap.swapAt(least, parent)
            parent = least
        }
        return (item.time, item.event)
    }
}
