import Foundation
import TransferGenerator

/// A deliberately simple rollup: Foundation's JSON, a dictionary and a set. It shares no code with
/// the implementation that it checks.
struct IndependentRollup {
    struct Bucket: Hashable {
        var currency: String
        /// The first 16 characters of the time.
        var minute: String
    }

    struct Value: Equatable {
        var settled: Int64 = 0
        var transfers: Int64 = 0
    }

    var buckets: [Bucket: Value] = [:]
    var applied: Int64 = 0
    var duplicate: Int64 = 0
    var conflicts: Int64 = 0
    private var firstByID: [String: [String: AnyHashable]] = [:]

    /// Adds a valid record of any shape.
    mutating func add(_ value: [UInt8], dedupes: Bool = true) throws {
        let transfer = try Self.transfer(in: Data(value))
        guard let id = transfer["transfer_id"] as? String,
            let currency = transfer["currency"] as? String,
            let amount = transfer["amount_minor_units"] as? Int64,
            let settledAt = transfer["settled_at_utc"] as? String
        else { throw CocoaError(.coderReadCorrupt) }
        let content: [String: AnyHashable] = [
            "currency": currency, "amount": amount, "time": settledAt,
        ]
        if dedupes, let first = firstByID[id] {
            duplicate += 1
            if first != content { conflicts += 1 }
            return
        }
        firstByID[id] = content
        applied += 1
        let bucket = Bucket(currency: currency, minute: String(settledAt.prefix(16)))
        buckets[bucket, default: Value()].settled += amount
        buckets[bucket, default: Value()].transfers += 1
    }

    /// `currency,minute,settled,transfers`, with a header, sorted.
    var csv: String {
        let lines = buckets.map { bucket, value in
            "\(bucket.currency),\(bucket.minute),\(value.settled),\(value.transfers)\n"
        }
        return "currency,minute,settled,transfers\n" + lines.sorted().joined()
    }

    private static func transfer(in value: Data) throws -> [String: Any] {
        let json = try JSONSerialization.jsonObject(with: value, options: .fragmentsAllowed)
        if let text = json as? String { return try transfer(in: Data(text.utf8)) }
        guard let object = json as? [String: Any] else { throw CocoaError(.coderReadCorrupt) }
        let payload = object["payload"] as? [String: Any] ?? object
        return payload["after"] as? [String: Any] ?? payload
    }
}
