import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money

/// Sums and shards of some minutes, read in one step. If the requested minutes are too many for one
/// step, it covers only the first ones.
struct Survey {
    var storeID: String?
    var version: String?
    /// Redis's clock, in seconds; keys expire by it.
    var serverSeconds: Int64
    /// The fields of each region's shards, in the order of the regions.
    var fields: [[String]]
    var minutes: [MinuteSurvey]

    struct MinuteSurvey {
        var minute: Minute
        /// True if the minute is listed as changed.
        var isListed: Bool
        /// By currency index; nil if the key is missing or not an integer.
        var published: [Int64?]
        var transfers: [Int64?]
        /// The totals of the shards, by currency index; nil if no shard has the currency.
        var expectedPublished: [Int64?]
        var expectedTransfers: [Int64?]
        /// True if the minute has late or missed money, which lists it as changed too.
        var hasAccounts: Bool
        /// The shards with a valid hash, by region index and field.
        var standing: Set<ShardPlace>
        /// The shards with something else instead of a hash.
        var damaged: Set<ShardPlace>

        /// The currencies whose keys differ from the totals of the shards.
        var wrongCurrencies: [Int] {
            expectedPublished.indices.filter { index in
                isWrong(published[index], expectedPublished[index])
                    || isWrong(transfers[index], expectedTransfers[index])
            }
        }

        /// A bucket that has become 0 may keep its keys; a currency without a bucket needs none.
        private func isWrong(_ found: Int64?, _ expected: Int64?) -> Bool {
            expected == nil ? found != nil && found != 0 : found != expected
        }

        /// True if sums exceed the shards, which means that hashes have vanished. A sum that is
        /// missing or smaller was lost itself. One exception: a lost bucket of nothing but a
        /// negative correction makes the sum too small and leaves the count correct.
        var tellsOfLostHashes: Bool {
            wrongCurrencies.contains { currency in
                let money = published[currency] ?? .min
                let count = transfers[currency] ?? .min
                let expectedMoney = expectedPublished[currency] ?? 0
                let expectedCount = expectedTransfers[currency] ?? 0
                return money > expectedMoney || count > expectedCount
                    || (count == expectedCount && published[currency] != nil)
            }
        }

        /// True if the minute has no keys left.
        var isBare: Bool {
            standing.isEmpty && damaged.isEmpty && published.allSatisfy { $0 == nil }
                && transfers.allSatisfy { $0 == nil }
        }

        /// Adds a valid hash. One that makes a sum overflow `Int64` counts as damaged: within the
        /// bounds of buckets and shards none does.
        mutating func add(_ buckets: [Bucket], of place: ShardPlace) {
            var sums: [(currency: Int, published: Int64, transfers: Int64)] = []
            for bucket in buckets {
                let currency = Int(bucket.currency.index)
                let money = (expectedPublished[currency] ?? 0)
                    .addingReportingOverflow(bucket.value.published)
                let count = (expectedTransfers[currency] ?? 0)
                    .addingReportingOverflow(bucket.value.transfers)
                guard !money.overflow, !count.overflow else {
                    damaged.insert(place)
                    return
                }
                sums.append((currency, money.partialValue, count.partialValue))
            }
            standing.insert(place)
            for sum in sums {
                expectedPublished[sum.currency] = sum.published
                expectedTransfers[sum.currency] = sum.transfers
            }
        }
    }

    struct ShardPlace: Hashable, Comparable {
        /// The region's index in the configuration.
        var region: Int
        var field: String

        static func < (a: Self, b: Self) -> Bool { (a.region, a.field) < (b.region, b.field) }
    }
}

extension Survey {
    init(
        _ reply: ReplyView, regions: Int, minutes: [Minute], doing: String
    ) throws(RedisStoreError) {
        let answer = try reply.array(atLeast: 6, doing: doing)
        guard let seconds = BucketText.number(answer[2].bytes) else {
            throw RedisStoreError(.unexpectedReply, doing: doing)
        }
        storeID = answer[0].text
        version = answer[1].text
        serverSeconds = seconds
        let shards = try answer[3].array(atLeast: regions, doing: doing)
        fields = (0..<regions).map { shards[$0].texts }
        let views = try answer[5].array(atLeast: 1, doing: doing)
        self.minutes = []
        for (index, minute) in minutes.prefix(views.count).enumerated() {
            let view = try views[index].array(atLeast: 5, doing: doing)
            let none = [Int64?](repeating: nil, count: Currency.count)
            self.minutes.append(
                MinuteSurvey(
                    minute: minute, isListed: !view[1].isNil,
                    published: try Self.sums(view[2], doing: doing),
                    transfers: try Self.sums(view[3], doing: doing),
                    expectedPublished: none, expectedTransfers: none,
                    hasAccounts: view[4].integer ?? 0 > 0, standing: [], damaged: []))
        }
        addHashes(answer[4])
    }

    private static func sums(
        _ reply: ReplyView, doing: String
    ) throws(RedisStoreError) -> [Int64?] {
        let values = try reply.array(atLeast: Currency.count, doing: doing)
        return (0..<Currency.count).map { BucketText.number(values[$0].bytes) }
    }

    private mutating func addHashes(_ hashes: ReplyView) {
        var places: [Minute: Int] = [:]
        for (index, minute) in minutes.enumerated() { places[minute.minute] = index }
        var buckets: [Bucket] = []
        for at in stride(from: 0, to: hashes.count - 3, by: 4) {
            guard let region = hashes[at].integer, let field = hashes[at + 2].text,
                let number = BucketText.number(hashes[at + 1].bytes),
                let minute = Int32(exactly: number).map({ Minute($0) }), let index = places[minute]
            else { continue }
            let place = ShardPlace(region: Int(region) - 1, field: field)
            buckets.removeAll(keepingCapacity: true)
            guard BucketText.append(hashes[at + 3], minute: minute, to: &buckets) else {
                minutes[index].damaged.insert(place)
                continue
            }
            minutes[index].add(buckets, of: place)
        }
    }
}
