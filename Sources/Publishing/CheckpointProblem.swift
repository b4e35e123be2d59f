/// Why bytes are no checkpoint that can be taken up.
package enum CheckpointProblem: Error, Hashable, CustomStringConvertible {
    /// They do not begin as a checkpoint does: another program's file, or none.
    case foreign
    /// Another version of this program wrote them.
    case otherVersion(String)
    /// The checksum does not match, or something is missing.
    case damaged
    /// The checksum matches, but no correct writer produces this content.
    case malformed(String)
    case tooLarge

    package var description: String {
        switch self {
        case .foreign: "not a checkpoint"
        case .otherVersion(let version): "a checkpoint of version \(version)"
        case .damaged: "damaged: the checksum does not fit"
        case .malformed(let what): "malformed: \(what)"
        case .tooLarge: "larger than \(CheckpointCodec.maximumBytes) bytes"
        }
    }
}
