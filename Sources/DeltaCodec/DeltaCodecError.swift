/// Why bytes are not a message of the protocol. Nothing of a message that throws this was used.
///
/// The description holds no bytes of the input, so it is safe to print and to send back.
package struct DeltaCodecError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// More bytes, shards or logs than `Limits` allows.
        case tooLarge
        /// Not Protocol Buffers, or not the JSON form, of the expected message.
        case undecodable
        /// A protocol version that this build does not speak.
        case unsupportedVersion
        /// A field of the envelope is missing or outside its bounds.
        case invalidEnvelope
    }

    package var code: Code
    /// What was expected, and of which field.
    package var description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
