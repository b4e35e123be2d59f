import Aggregation
import ArgumentParser
import Foundation
import Logging
import Topology
import TopologyFile

/// `--topology`, for every command that needs one.
struct TopologyOption: ParsableArguments {
    /// The exit status for invalid settings, `EX_CONFIG` of sysexits.h.
    static let invalidSettings = ExitCode(78)

    @Option(help: ArgumentHelp("The topology file.", valueName: "file"))
    var topology = TopologyFile.defaultPath

    /// The topology. If it is invalid, prints every problem as `file:line: key: expected …` and
    /// ends the command with status 78. Prints warnings in the same format and continues.
    func load() throws -> Topology {
        do {
            return try TopologyFile.load(path: topology) {
                FileHandle.standardError.write(Data("warning: \($0)\n".utf8))
            }
        } catch {
            try Self.refuse(error)
        }
    }

    /// The key that hashes ids. If its file is missing or invalid, ends the command as `load` does.
    func idKey(_ topology: Topology) throws -> IDKey {
        let text: String
        do {
            text = try IDKeyFile.load(path: topology.idKeyFile)
        } catch {
            try Self.refuse(error)
        }
        guard let key = IDKey(hexadecimal: text) else {
            preconditionFailure("IDKeyFile.load returns valid keys only")
        }
        return key
    }

    private static func refuse(_ error: TopologyFileError) throws -> Never {
        FileHandle.standardError.write(Data("\(error)\n".utf8))
        throw invalidSettings
    }
}

/// `--log-level`.
enum LogLevel {
    static func logger(_ label: String, _ text: String) throws -> Logger {
        guard let level = Logger.Level(rawValue: text) else {
            throw ValidationError(
                "Unknown log level '\(text)'; use trace, debug, info, notice, warning or error.")
        }
        var logger = Logger(label: label)
        logger.logLevel = level
        return logger
    }
}
