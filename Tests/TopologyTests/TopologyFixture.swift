import Testing
import TopologyFile

/// The smallest valid files, and the problems of changed ones.
enum TopologyFixture {
    /// Line numbers in the tests below count these lines.
    static let topology = """
        regions:
          - regions/a.yaml
        currencies: [USD, EUR, JPY]
        hq:
          - http://127.0.0.1:8081
        redis:
          address: 127.0.0.1:6379
        id_key_file: id.key

        """
    static let region = """
        id: a
        kafka:
          bootstrap.servers: 127.0.0.1:9092
        logs:
          - id: main
            partitions: 6
        generation: 1

        """

    /// The problems of these files, one line each.
    static func complaints(
        topology: String = topology, region: String = region, more: [String: String] = [:]
    ) throws -> [String] {
        let files = ["topology.yaml": topology, "regions/a.yaml": region]
            .merging(more) { $1 }
        return try TemporaryFolder.with(files) { folder in
            do {
                _ = try TopologyFile.load(path: "\(folder.path)/topology.yaml")
                return []
            } catch let error as TopologyFileError {
                return folder.shortened(error.description).split(separator: "\n").map(String.init)
            }
        }
    }
}
