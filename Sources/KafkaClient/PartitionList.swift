internal import CRdKafka

/// librdkafka's list of (topic, partition, offset, error), always for one topic.
struct PartitionList: ~Copyable {
    let raw: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    /// An empty list.
    init(capacity: Int) {
        raw = rd_kafka_topic_partition_list_new(Int32(clamping: capacity))
    }

    init(topic: String, partitions: some Collection<Int32>, offset: Int64) {
        self.init(capacity: partitions.count)
        for partition in partitions { add(topic, KafkaPosition(partition, offset)) }
    }

    init(topic: String, positions: some Collection<KafkaPosition>) {
        self.init(capacity: positions.count)
        for position in positions { add(topic, position) }
    }

    deinit { rd_kafka_topic_partition_list_destroy(raw) }

    private func add(_ topic: String, _ position: KafkaPosition) {
        let entry = rd_kafka_topic_partition_list_add(raw, topic, position.partition)
        entry?.pointee.offset = position.offset
    }

    var entries: UnsafeBufferPointer<rd_kafka_topic_partition_t> { raw.entries }

    /// The resulting offsets by partition. Throws the first entry's error.
    func offsets() throws(KafkaError) -> [Int32: Int64] {
        var answer: [Int32: Int64] = [:]
        for entry in entries {
            try KafkaError.check(entry.err)
            answer[entry.partition] = entry.offset
        }
        return answer
    }
}

extension UnsafeMutablePointer<rd_kafka_topic_partition_list_t> {
    var entries: UnsafeBufferPointer<rd_kafka_topic_partition_t> {
        UnsafeBufferPointer(start: pointee.elems, count: Int(pointee.cnt))
    }
}

extension KafkaPosition {
    fileprivate init(_ partition: Int32, _ offset: Int64) {
        self.init(partition: partition, offset: offset)
    }
}
