/// Pure targets depend only on their inputs: no clock, no random numbers, no input or output.
///
/// The simulation represents production only under this condition.
enum PureTargetRule {
    static let targets = [
        "CivilTime", "Hashing", "Identifiers", "Addresses", "Money", "Pacing", "DeltaProtocol",
        "Topology", "Aggregation", "Federation", "RegionCore", "RatesCore", "Publishing",
        "TransferGenerator", "Simulation", "Dashboard",
    ]

    /// Other imports that pure targets may have: conversions need integers of any size, and the
    /// simulation runs the real codec, whose generated code is not pure.
    static let furtherImports = ["Money": ["BigInt"], "Simulation": ["DeltaCodec"]]

    /// Words that read a clock, the machine, random numbers or the order of hash values, and
    /// attributes that call C without an import.
    static let forbiddenWords = [
        "ContinuousClock", "SuspendingClock", "Date(", "DispatchTime", "clock_gettime",
        "SystemRandomNumberGenerator", "UUID(", "Hasher", "hashValue",
        "CommandLine", "ProcessInfo", "getenv", "print(", "FileManager", "FileHandle",
        "async", "await", "Task", "Thread", "Mutex", "nonisolated(unsafe)", "@unchecked",
        "@_silgen_name", "@_extern", "@_cdecl", "@cdecl",
    ]

    /// Calls that use the system's random generator unless they get another.
    static let callsNeedingGenerator = [
        ".random(", ".randomElement(", ".shuffled(", ".shuffle(",
    ]

    /// Targets that count or merge money must not contain floating point at all.
    static let targetsWithoutFloatingPoint = [
        "Money", "DeltaProtocol", "Aggregation", "Federation", "RegionCore", "RatesCore",
    ]
    static let floatingPointWords = ["Double", "Float", "Float16", "Float80", "CGFloat", "Decimal"]

    static func findings(in tree: RepositoryTree) -> [Finding] {
        targets.flatMap { target in
            tree.files(under: "Sources/\(target)").filter(\.isSwift).flatMap {
                findings(in: $0, of: target)
            }
        }
    }

    private static func findings(in file: RepositoryFile, of target: String) -> [Finding] {
        let code = SwiftCode(file.text)
        let allowed = Set(targets + (furtherImports[target] ?? []))
        var findings = code.imports.filter { !allowed.contains($0.module) }.map {
            Finding(file.path, line: $0.line, "a pure target imports \($0.module)")
        }
        let words =
            forbiddenWords
            + (targetsWithoutFloatingPoint.contains(target) ? floatingPointWords : [])
        for index in code.lines.indices {
            for word in words where code.line(index, contains: word) {
                findings.append(Finding(file.path, line: index + 1, "a pure target says \(word)"))
            }
            for call in callsNeedingGenerator
            where code.line(index, contains: call) && !code.line(index, contains: "using:") {
                findings.append(
                    Finding(file.path, line: index + 1, "\(call) without a generator (using:)"))
            }
        }
        return findings
    }
}
