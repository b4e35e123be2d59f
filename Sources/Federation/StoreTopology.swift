import Hashing
package import Identifiers
import Money
package import Topology

/// The logs that count, according to one HQ's files or to the store, which all HQs share.
package struct StoreTopology: Hashable, Sendable {
    /// Must rise with every change of `logs`.
    package var generation: Int64
    /// By region, the logs that count, the one being written last.
    package var logs: [RegionID: [Log]]

    package struct Log: Hashable, Sendable {
        package var id: LogID
        /// Nil if its file leaves the count to the broker.
        package var partitions: Int32?

        package init(id: LogID, partitions: Int32? = nil) {
            self.id = id
            self.partitions = partitions
        }
    }

    package init(generation: Int64, logs: [RegionID: [Log]]) {
        self.generation = generation
        self.logs = logs
    }

    package init(_ topology: Topology) {
        self.init(generation: Int64(topology.generation), logs: [:])
        for region in topology.regions {
            logs[region.id] = region.countedLogs.map { Log(id: $0.id, partitions: $0.partitions) }
        }
    }

    /// The 64-bit FNV-1a hash of `logs`, which distinguishes two topologies of the same generation.
    package var digest: String {
        let lines = logs.sorted { $0.key < $1.key }.map { region, logs in
            let names = logs.map { "\($0.id):\($0.partitions.map(String.init) ?? "-")" }
            return "\(region) \(names.joined(separator: " "))\n"
        }
        return FNV1a.hash(lines.joined().utf8).hexadecimal
    }

    func counts(_ log: LogID, of region: RegionID) -> Bool {
        logs[region]?.contains { $0.id == log } ?? false
    }
}

/// The store's topology: the fields of the hash `topology`.
///
/// `generation` and `digest` are those of the HQ that wrote it; `logs:{region}` lists the counted
/// logs, separated by spaces, the one being written last; `partitions:{region}/{log}` is the log's
/// partition count at its first commit; `removed:{region}/{log}` is the Unix time in seconds until
/// which a log that no longer counts is refused.
package struct StoredTopology: Hashable, Sendable {
    /// How long a removed log is refused, in seconds: by then all its minutes have expired.
    package static let removedSeconds: Int64 = 26 * 3_600

    package struct LogName: Hashable, Sendable {
        package var region: RegionID
        package var log: LogID

        package init(region: RegionID, log: LogID) {
            self.region = region
            self.log = log
        }
    }

    package var generation: Int64
    package var digest: String
    package var logs: [RegionID: [LogID]] = [:]
    package var partitions: [LogName: Int32] = [:]
    package var removed: [LogName: Int64] = [:]

    /// Nil if the store has no topology written by an HQ.
    package init?(fields: [String: String]) {
        guard let generation = fields["generation"].flatMap({ Int64($0) }),
            let digest = fields["digest"]
        else { return nil }
        self.generation = generation
        self.digest = digest
        for (field, text) in fields {
            let parts = field.split(separator: ":", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "logs":
                guard let region = RegionID(parts[1]) else { continue }
                logs[region] = text.split(separator: " ").compactMap { LogID(String($0)) }
            case "partitions":
                if let name = LogName(parts[1]), let count = Int32(text) {
                    partitions[name] = count
                }
            case "removed":
                if let name = LogName(parts[1]), let end = Int64(text) { removed[name] = end }
            default: break
            }
        }
    }

    /// The fields to write when `topology` replaces `before`; `seconds` is the present Unix time.
    package init(_ topology: StoreTopology, over before: StoredTopology?, seconds: Int64) {
        generation = topology.generation
        digest = topology.digest
        logs = topology.logs.mapValues { $0.map(\.id) }
        guard let before else { return }
        partitions = before.partitions.filter { topology.counts($0.key.log, of: $0.key.region) }
        removed = before.removed.filter { $0.value > seconds }
        for (region, logs) in before.logs {
            for log in logs {
                removed[LogName(region: region, log: log)] = seconds + Self.removedSeconds
            }
        }
        removed = removed.filter { !topology.counts($0.key.log, of: $0.key.region) }
    }

    package var fields: [String: String] {
        var fields = ["generation": String(generation), "digest": digest]
        for (region, logs) in logs {
            fields["logs:\(region)"] = logs.map(\.name).joined(separator: " ")
        }
        for (name, count) in partitions { fields["partitions:\(name.text)"] = String(count) }
        for (name, end) in removed { fields["removed:\(name.text)"] = String(end) }
        return fields
    }

    /// Compares an HQ's own topology with the stored one.
    package func standing(of own: StoreTopology) -> TopologyStanding {
        if own.generation > generation { return .newer }
        if own.generation == generation, own.digest == digest { return .current }
        return .older
    }
}

extension StoredTopology.LogName {
    package var text: String { "\(region)/\(log)" }

    fileprivate init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2, let region = RegionID(parts[0]), let log = LogID(parts[1]) else {
            return nil
        }
        self.init(region: region, log: log)
    }
}

/// The result of comparing an HQ's files with the topology in the store.
package enum TopologyStanding: Hashable, Sendable {
    /// Equal to the store's.
    case current
    /// Newer: they replace the store's.
    case newer
    /// The store has a later generation, or other content of the same one; the store's applies.
    case older
}
