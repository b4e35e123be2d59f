import Addresses
import Foundation
import Identifiers
import Topology
import TopologyFile

/// The demo's folder: a copy of the topology with free ports and its own key, the rates, and the
/// logs of all processes. Removed at the end.
struct DemoWorkspace {
    let folder: URL
    let topologyPath: String
    let publicPort: Int
    let redisPort: Int
    /// The regions that run, in the topology's order.
    let regions: [Region]
    private let original: Topology
    private let originalPath: String

    init(copying path: String, regions count: Int?, publicPort: UInt16) throws {
        do {
            original = try TopologyFile.load(path: path)
        } catch {
            writeToStandardError("\(error)\n")
            throw TopologyOption.invalidSettings
        }
        originalPath = path
        let chosen = Array(original.regions.prefix(count ?? original.regions.count))
        guard chosen.count == count ?? chosen.count else {
            throw DemoFailure("\(path) has \(original.regions.count) regions, not \(count ?? 0)")
        }
        regions = chosen
        self.publicPort = publicPort == 0 ? try FreePort.find() : Int(publicPort)
        guard publicPort == 0 || FreePort.isFree(publicPort) else {
            throw DemoFailure("port \(publicPort) is in use; choose another with --port")
        }
        redisPort = try FreePort.find()
        var template = Array("/tmp/tributary-demo-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw DemoFailure("/tmp is not writable") }
        folder = URL(
            fileURLWithPath: String(
                decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        topologyPath = folder.appendingPathComponent("topology.yaml").path
    }

    /// The rates file; nil if the topology has a provider instead.
    var ratesPath: String? { original.rates?.file }

    func file(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// Writes the copies with the brokers' addresses.
    func write(brokers: [RegionID: String]) throws {
        let source = URL(fileURLWithPath: originalPath)
        let ingest = try FreePort.find()
        let admin = try FreePort.find()
        let text = try String(contentsOf: source, encoding: .utf8)
        var settings = [
            "public": "127.0.0.1:\(publicPort)", "ingest": "127.0.0.1:\(ingest)",
            "admin": "127.0.0.1:\(admin)", "address": "127.0.0.1:\(redisPort)",
            "id_key_file": "id.key", "file": "rates.json",
        ]
        settings["app_id_file"] = original.rates?.appIDFile.map { file in
            URL(fileURLWithPath: file).path
        }
        var edited = Self.setting(settings, in: text)
        edited = Self.replacingList("regions", with: regions.map { "\($0.id).yaml" }, in: edited)
        edited = Self.replacingList("hq", with: ["http://127.0.0.1:\(ingest)"], in: edited)
        try Self.write(edited, to: topologyPath)
        for region in regions {
            guard let broker = brokers[region.id], let path = regionPath(region.id) else {
                throw DemoFailure("region \(region.id): its file was not found")
            }
            let text = try String(contentsOfFile: path, encoding: .utf8)
            try Self.write(
                Self.setting(["bootstrap.servers": broker], in: text), to: file("\(region.id).yaml")
            )
        }
        if let rates = original.rates?.file {
            try FileManager.default.copyItem(atPath: rates, toPath: file("rates.json"))
        }
        var random = SystemRandomNumberGenerator()
        let key = (0..<4).map { _ in
            let word = String(UInt32.random(in: 0...UInt32.max, using: &random), radix: 16)
            return String(repeating: "0", count: 8 - word.count) + word
        }.joined()
        try Self.write(key + "\n", to: file("id.key"))
        chmod(file("id.key"), 0o400)
        var listeners = Listeners()
        listeners.publicAPI.port = publicPort
        listeners.ingest.port = ingest
        listeners.admin.port = admin
        try check(listeners, brokers)
    }

    /// Reads the copies as the processes will, and throws if an address is not the demo's own. The
    /// line-based edit misses some spellings of YAML; the demo would then write to other servers.
    private func check(_ listeners: Listeners, _ brokers: [RegionID: String]) throws {
        let copy: Topology
        do {
            copy = try TopologyFile.load(path: topologyPath)
        } catch {
            throw DemoFailure("the demo's copy of \(originalPath) cannot be read:\n\(error)")
        }
        var wrong: [String] = []
        if copy.headquarters != [ServiceURL(isSecure: false, address: listeners.ingest)] {
            wrong.append("hq")
        }
        let redis = RedisAddress.tcp(HostPort(host: "127.0.0.1", port: redisPort))
        if copy.redis != redis { wrong.append("redis.address") }
        let found = copy.listeners
        if [found.publicAPI, found.ingest, found.admin]
            != [listeners.publicAPI, listeners.ingest, listeners.admin]
        {
            wrong.append("listeners")
        }
        if copy.regions.map(\.id) != regions.map(\.id) { wrong.append("regions") }
        for region in copy.regions
        where region.kafka["bootstrap.servers"] != brokers[region.id]
            || region.kafka["metadata.broker.list"] != nil
        {
            wrong.append("kafka.bootstrap.servers of \(region.id)")
        }
        guard wrong.isEmpty else {
            throw DemoFailure(
                "\(originalPath): the demo could not replace "
                    + wrong.joined(separator: ", ")
                    + "; write each key on its own line, as in topology.yaml")
        }
    }

    /// The file whose `id:` is the region's.
    private func regionPath(_ id: RegionID) -> String? {
        let base = URL(fileURLWithPath: originalPath).deletingLastPathComponent()
        guard let text = try? String(contentsOfFile: originalPath, encoding: .utf8) else {
            return nil
        }
        return text.split(separator: "\n").lazy
            .map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { $0.hasPrefix("- ") && $0.hasSuffix(".yaml") }
            .map { base.appendingPathComponent(String($0.dropFirst(2))).path }
            .first { path in
                (try? String(contentsOfFile: path, encoding: .utf8))?
                    .split(separator: "\n").contains { $0 == "id: \(id)" } ?? false
            }
    }

    /// `text` with the value of each `key:` line replaced, comments and indentation kept.
    private static func setting(_ values: [String: String], in text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let content = line.drop { $0 == " " }
            for (key, value) in values where content.hasPrefix("\(key): ") {
                return "\(line.prefix(line.count - content.count))\(key): \(value)"
            }
            return String(line)
        }.joined(separator: "\n")
    }

    /// `text` with the items under `key:` replaced.
    private static func replacingList(
        _ key: String, with items: [String], in text: String
    ) -> String {
        var result: [String] = []
        var isInside = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if isInside, line.hasPrefix("  - ") { continue }
            isInside = line == "\(key):"
            result.append(String(line))
            if isInside { result += items.map { "  - \($0)" } }
        }
        return result.joined(separator: "\n")
    }

    private static func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    func remove() {
        try? FileManager.default.removeItem(at: folder)
    }
}

/// Ports without a listener at the moment.
enum FreePort {
    static func find() throws -> Int {
        guard let port = bound(to: 0) else { throw DemoFailure("no free port on 127.0.0.1") }
        return Int(port)
    }

    static func isFree(_ port: UInt16) -> Bool { bound(to: port) != nil }

    /// Binds a port, releases it and returns its number.
    private static func bound(to port: UInt16) -> UInt16? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var on: Int32 = 1
        setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        return isBound ? UInt16(bigEndian: address.sin_port) : nil
    }
}
