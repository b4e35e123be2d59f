internal import CivilTime
internal import DeltaProtocol
internal import Money

extension WireBucketColumns {
    /// Currencies are added to the table in the order of the buckets.
    init(_ buckets: [Bucket]) {
        self.init()
        var tableIndex = [UInt32](repeating: .max, count: Currency.count)
        var table: [String] = []
        var indices: [UInt32] = []
        var steps: [Int32] = []
        var settled: [Int64] = []
        var transfers: [Int64] = []
        var corrections: [Int64] = []
        indices.reserveCapacity(buckets.count)
        steps.reserveCapacity(buckets.count)
        settled.reserveCapacity(buckets.count)
        transfers.reserveCapacity(buckets.count)
        var minute: Int32 = 0
        for bucket in buckets {
            let currency = Int(bucket.currency.index)
            if tableIndex[currency] == .max {
                tableIndex[currency] = UInt32(table.count)
                table.append(bucket.currency.code)
            }
            indices.append(tableIndex[currency])
            steps.append(bucket.minute.number &- minute)
            minute = bucket.minute.number
            settled.append(bucket.value.settled)
            transfers.append(bucket.value.transfers)
        }
        if buckets.contains(where: { $0.value.correction != 0 }) {
            corrections = buckets.map(\.value.correction)
        }
        self.currencies = table
        self.currencyIndices = indices
        self.minuteSteps = steps
        self.settled = settled
        self.transfers = transfers
        self.corrections = corrections
    }

    /// The buckets in the order of the message, which need not be sorted.
    func buckets() throws(ShardProblem) -> [Bucket] {
        let count = settled.count
        guard count <= Limits.bucketsPerShard else { throw .tooManyBuckets }
        guard currencyIndices.count == count, minuteSteps.count == count,
            transfers.count == count, corrections.isEmpty || corrections.count == count
        else { throw .columnLengths }

        var table: [Currency] = []
        table.reserveCapacity(currencies.count)
        for code in currencies {
            guard let currency = Currency(code: code) else { throw .unknownCurrency }
            table.append(currency)
        }
        let (indices, steps) = (currencyIndices, minuteSteps)
        let (settled, transfers, corrections) = (settled, transfers, corrections)
        var buckets: [Bucket] = []
        buckets.reserveCapacity(count)
        var minute: Int32 = 0
        for row in 0..<count {
            guard indices[row] < table.count else { throw .currencyIndex }
            minute &+= steps[row]
            buckets.append(
                Bucket(
                    minute: Minute(minute), currency: table[Int(indices[row])],
                    value: BucketValue(
                        settled: settled[row], transfers: transfers[row],
                        correction: corrections.isEmpty ? 0 : corrections[row])))
        }
        return buckets
    }

    /// An upper bound of the columns' encoded size in bytes, seldom much too large.
    static func byteBound(_ buckets: [Bucket]) -> Int {
        var total = 0
        var minute: Int32 = 0
        var hasCorrections = false
        var corrections = 0
        for bucket in buckets {
            // A table of up to 16,384 currencies has indices of two bytes.
            total += 2 + varintBytes(zigZag(Int64(bucket.minute.number &- minute)))
            minute = bucket.minute.number
            total += varintBytes(UInt64(bitPattern: bucket.value.settled))
            total += varintBytes(UInt64(bitPattern: bucket.value.transfers))
            corrections += varintBytes(zigZag(bucket.value.correction))
            hasCorrections = hasCorrections || bucket.value.correction != 0
        }
        let table = min(buckets.count, Currency.count) * 5
        return total + (hasCorrections ? corrections : 0) + table + 64
    }

    private static func varintBytes(_ value: UInt64) -> Int {
        (UInt64.bitWidth - (value | 1).leadingZeroBitCount + 6) / 7
    }

    private static func zigZag(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: (value << 1) ^ (value >> 63))
    }
}
