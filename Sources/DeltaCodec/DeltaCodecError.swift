/// Why bytes are not a message of the protocol. The caller uses nothing of a message that throws
/// this.
///
/// The description contains no input bytes, so it is safe to print and to send back.
package struct DeltaCodecError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// More bytes, shards or logs than `Limits` allows.
        case tooLarge
        /// Not the expected message in Protocol Buffers' binary or JSON form.
        case undecodable
        /// A protocol version that this build does not speak.
        case unsupportedVersion
        /// An envelope field is missing or out of bounds.
        case invalidEnvelope
    }

    package var code: Code
    /// The field, and what was expected of it.
    package var description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
