import Foundation
import Subprocess
import Testing

/// The real `tributary region` command, up to the point where it needs a broker.
@Suite struct RegionCommandTests {
    private static let topology = """
        regions:
          - a.yaml
        currencies: [USD]
        hq:
          - http://127.0.0.1:9
        redis:
          address: 127.0.0.1:9
        id_key_file: id.key

        """

    private static func region(_ property: String) -> String {
        """
        id: a
        kafka:
          bootstrap.servers: 127.0.0.1:9
          \(property)
        logs:
          - id: main
        generation: 1

        """
    }

    /// Runs the binary that was built with this test to its end.
    private static func run(
        property: String, _ arguments: [String] = []
    ) async throws -> (status: TerminationStatus, text: String) {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "region-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = [
            "topology.yaml": topology, "a.yaml": region(property),
            "id.key": String(repeating: "0f", count: 16),
        ]
        for (name, text) in files {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
        let binary = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appending(path: "tributary").path
        let topology = folder.appending(path: "topology.yaml").path
        let result = try await Subprocess.run(
            .name("setpriv"),
            arguments: .init(
                ["--pdeathsig", "TERM", binary, "region", "--topology", topology]
                    + ["--region", "a"] + arguments),
            output: .string(limit: 4_096), error: .string(limit: 1 << 16))
        #expect(result.standardOutput == "")
        return (result.terminationStatus, result.standardError)
    }

    @Test(
        "The error for a property that librdkafka refuses names it, with the usage exit status",
        arguments: [
            ("no.such.property: 1", "no.such.property"),
            ("socket.timeout.ms: soon", "socket.timeout.ms"),
        ])
    func wrongProperty(property: String, name: String) async throws {
        let (status, text) = try await Self.run(property: property)
        #expect(status == .exited(78))
        #expect(text.contains("region a: "))
        #expect(text.contains("kafka property \(name)"))
    }

    @Test("A node's name has 1 to 128 bytes", arguments: [0, 129])
    func nodeName(bytes: Int) async throws {
        let (status, text) = try await Self.run(
            property: "client.id: x", ["--node=" + String(repeating: "n", count: bytes)])
        #expect(status == .exited(64))
        #expect(text.contains("1 to 128 bytes"))
    }
}
