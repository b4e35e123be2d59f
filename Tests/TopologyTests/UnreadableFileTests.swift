import Foundation
import Testing
import TopologyFile

@Suite struct UnreadableFileTests {
    @Test(arguments: ["/etc/a.yaml", "../a.yaml", "regions/../../a.yaml", "''"])
    func `region files lie below the topology file`(path: String) throws {
        #expect(
            try TopologyFixture.complaints(
                topology: TopologyFixture.topology.replacing("regions/a.yaml", with: path))
                == ["topology.yaml:2: regions[0]: expected a path below the topology file's folder"]
        )
    }

    @Test func `unreadable files are reported where they are listed`() throws {
        #expect(
            try TopologyFixture.complaints(
                topology: TopologyFixture.topology.replacing("regions/a.yaml", with: "b.yaml"))
                == ["topology.yaml:2: regions[0]: expected a readable file (no such file)"])
        #expect(
            try TopologyFixture.complaints(
                topology: TopologyFixture.topology.replacing("regions/a.yaml", with: "regions"))
                == ["topology.yaml:2: regions[0]: expected a readable file (it is a folder)"])
        let absent = #expect(throws: TopologyFileError.self) {
            try TopologyFile.load(path: "/nonexistent/topology.yaml")
        }
        #expect(
            absent?.description
                == "/nonexistent/topology.yaml:1: file: expected a readable file (no such file)")
    }

    @Test func `files must be UTF-8 and small enough`() throws {
        try TemporaryFolder.with(["regions/a.yaml": TopologyFixture.region]) { folder in
            func complaint(_ bytes: Data) throws -> String? {
                try folder.write("topology.yaml", bytes)
                let error = #expect(throws: TopologyFileError.self) {
                    try TopologyFile.load(path: "\(folder.path)/topology.yaml")
                }
                return error.map { folder.shortened($0.description) }
            }
            let text = Data(TopologyFixture.topology.utf8)
            #expect(
                try complaint(text + Data(repeating: 0x23, count: 1 << 20))
                    == "topology.yaml:1: file: expected a file of at most 1048576 bytes")
            #expect(
                try complaint(text + Data([0x23, 0xFF]))
                    == "topology.yaml:1: file: expected UTF-8 text")
            let nul = try complaint(text + Data([0x23, 0x00]))
            #expect(nul?.hasPrefix("topology.yaml:9: yaml: expected valid YAML: ") == true)
        }
    }

    @Test(arguments: [
        ("", "1: file: expected a mapping of keys to values"),
        ("# nothing\n", "1: file: expected a mapping of keys to values"),
        ("- a\n", "1: file: expected a mapping of keys to values"),
        ("a: b\nc: [d\n", "3: yaml: expected valid YAML: "),
        ("a: b\n  c: d\n", "2: yaml: expected valid YAML: "),
        ("a: b\n\tc: d\n", "2: yaml: expected valid YAML: "),
        ("a: *b\n", "1: yaml: expected valid YAML: "),
        ("a: b\n---\nc: d\n", "2: yaml: expected valid YAML: "),
        (String(repeating: "[", count: 100_000), "1: yaml: expected valid YAML: "),
    ])
    func `text that is not YAML or not a mapping is refused with its line`(
        text: String, complaint: String
    ) throws {
        let found = try TopologyFixture.complaints(topology: text)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("topology.yaml:\(complaint)") == true, "\(found)")
    }

    @Test func `keys are printed without control characters`() throws {
        let found = try TopologyFixture.complaints(
            topology: TopologyFixture.topology + "\"a\\e[2J\\nb\": c\n")
        #expect(found.first?.hasPrefix("topology.yaml:9: a?[2J?b: expected one of") == true)
    }

    @Test func `an id key and an app id are 32 hexadecimal digits, and errors do not show them`()
        throws
    {
        let key = "00112233445566778899AABBccddeeff"
        let files = [
            "plain": key, "line": key + "\n", "short": String(key.dropLast()), "two": key + "\n\n",
            "letter": key.replacing("0011", with: "001g"), "space": " " + key,
        ]
        try TemporaryFolder.with(files) { folder throws in
            func load(_ name: String) throws -> String {
                try IDKeyFile.load(path: "\(folder.path)/\(name)")
            }
            func loadAppID(_ name: String) throws -> String {
                try AppIDFile.load(path: "\(folder.path)/\(name)")
            }
            #expect(try load("plain") == key)
            #expect(try load("line") == key)
            for name in ["short", "two", "letter", "space"] {
                let error = #expect(throws: TopologyFileError.self) {
                    try load(name)
                }
                let complaint = "\(name):1: file: expected 32 hexadecimal digits and nothing else"
                #expect(error.map { folder.shortened($0.description) } == complaint)
                let appID = #expect(throws: TopologyFileError.self) {
                    try loadAppID(name)
                }
                #expect(appID.map { folder.shortened($0.description) } == complaint)
            }
            #expect(try loadAppID("line") == key)
        }
    }
}
