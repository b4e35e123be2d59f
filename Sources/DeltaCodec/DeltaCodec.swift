package import DeltaProtocol
internal import SwiftProtobuf

/// Encodes and decodes the region-HQ protocol, which `delta.proto` documents.
///
/// Encoding is deterministic: equal values give equal bytes. Decoding accepts any bytes: it throws
/// or returns, never traps, and needs memory proportional to the input, at most about 24 times its
/// size. All functions are pure and may run on any thread.
package enum DeltaCodec {
    /// The greatest offset that a message may hold: no log reaches it, and arithmetic on it is
    /// safe.
    package static let maximumOffset: Int64 = 1 << 62
    /// Shards of one `ShardStatuses`: those of current logs and of the logs they continue.
    package static let maximumStatuses = 8 * Limits.shardsPerRequest
    /// The protocol versions that this build accepts: its own and the one before.
    package static let readableVersions =
        max(1, Limits.protocolVersion - 1)...Limits.protocolVersion

    /// The two forms of every message.
    package enum Format: Hashable, Sendable, CaseIterable {
        /// Protocol Buffers' binary form, which nodes use.
        case protobuf
        /// Protocol Buffers' JSON form, for people with curl.
        case json

        /// The value of `Content-Type`.
        package var mediaType: String {
            switch self {
            case .protobuf: "application/x-protobuf"
            case .json: "application/json"
            }
        }

        /// The form that a `Content-Type` denotes, ignoring its parameters and letter case; nil for
        /// any other media type.
        package init?(contentType: String) {
            let essence = contentType.prefix { $0 != ";" }.lowercased()
                .filter { $0 != " " && $0 != "\t" }
            guard let format = Self.allCases.first(where: { $0.mediaType == essence }) else {
                return nil
            }
            self = format
        }
    }

    // MARK: - Requests

    package static func encode(_ request: DeltaRequest, as format: Format = .protobuf) -> [UInt8] {
        bytes(of: WireDeltaRequest(request), as: format)
    }

    /// - Throws: For an error in the envelope. An error within one shard is in the result.
    package static func decodeRequest(
        _ bytes: UnsafeRawBufferPointer, as format: Format = .protobuf
    ) throws(DeltaCodecError) -> DecodedRequest {
        try message(
            WireDeltaRequest.self, bytes, as: format, limit: Limits.requestBytes,
            shape: .request
        ).decoded()
    }

    /// - Throws: For an error in the envelope. An error within one shard is in the result.
    package static func decodeRequest(
        _ bytes: [UInt8], as format: Format = .protobuf
    ) throws(DeltaCodecError) -> DecodedRequest {
        try withBytes(bytes) { buffer throws(DeltaCodecError) in
            try decodeRequest(buffer, as: format)
        }
    }

    // MARK: - Replies

    package static func encode(_ reply: DeltaReply, as format: Format = .protobuf) -> [UInt8] {
        bytes(of: WireDeltaReply(reply), as: format)
    }

    /// - Throws: For any error: a reply is decoded as a whole or not at all. Bytes cut between
    ///   two shards still decode, so compare the shards with those of the request.
    package static func decodeReply(
        _ bytes: UnsafeRawBufferPointer, as format: Format = .protobuf
    ) throws(DeltaCodecError) -> DeltaReply {
        try message(
            WireDeltaReply.self, bytes, as: format, limit: Limits.replyBytes, shape: .reply
        ).decoded()
    }

    /// Like the other `decodeReply`.
    package static func decodeReply(
        _ bytes: [UInt8], as format: Format = .protobuf
    ) throws(DeltaCodecError) -> DeltaReply {
        try withBytes(bytes) { buffer throws(DeltaCodecError) in
            try decodeReply(buffer, as: format)
        }
    }

    // MARK: - Statuses

    package static func encode(
        _ statuses: ShardStatuses, as format: Format = .protobuf
    ) -> [UInt8] {
        bytes(of: WireShardStatuses(statuses), as: format)
    }

    /// - Throws: For any error: statuses are decoded as a whole or not at all. Bytes cut
    ///   between two shards still decode.
    package static func decodeStatuses(
        _ bytes: UnsafeRawBufferPointer, as format: Format = .protobuf
    ) throws(DeltaCodecError) -> ShardStatuses {
        try message(
            WireShardStatuses.self, bytes, as: format, limit: Limits.replyBytes, shape: .statuses
        ).decoded()
    }

    /// Like the other `decodeStatuses`.
    package static func decodeStatuses(
        _ bytes: [UInt8], as format: Format = .protobuf
    ) throws(DeltaCodecError) -> ShardStatuses {
        try withBytes(bytes) { buffer throws(DeltaCodecError) in
            try decodeStatuses(buffer, as: format)
        }
    }

    // MARK: - Any message

    private static func bytes(of message: some Message, as format: Format) -> [UInt8] {
        do {
            switch format {
            case .protobuf:
                var options = BinaryEncodingOptions()
                options.useDeterministicOrdering = true
                return try message.serializedBytes(options: options)
            case .json:
                var options = JSONEncodingOptions()
                options.useDeterministicOrdering = true
                options.preserveProtoFieldNames = true
                return try message.jsonUTF8Bytes(options: options)
            }
        } catch {
            preconditionFailure("a message of plain fields did not encode: \(error)")
        }
    }

    private static func message<M: Message>(
        _ type: M.Type, _ bytes: UnsafeRawBufferPointer, as format: Format, limit: Int,
        shape: MessageShape
    ) throws(DeltaCodecError) -> M {
        guard bytes.count <= limit else {
            throw DeltaCodecError(.tooLarge, "expected at most \(limit) bytes")
        }
        switch format {
        case .protobuf: try shape.checkBinary(bytes)
        case .json: try shape.checkJSON(bytes)
        }
        do {
            switch format {
            case .protobuf:
                var options = BinaryDecodingOptions()
                options.messageDepthLimit = MessageShape.maximumDepth
                options.discardUnknownFields = true
                return try M(serializedBytes: bytes.bytes, options: options)
            case .json:
                var options = JSONDecodingOptions()
                options.messageDepthLimit = MessageShape.maximumDepth
                // Copies the bytes, because SwiftProtobuf reads JSON only from an array.
                return try M(jsonUTF8Bytes: [UInt8](bytes), options: options)
            }
        } catch {
            throw DeltaCodecError(.undecodable, "expected \(shape.name) as \(format.mediaType)")
        }
    }

    private static func withBytes<Value>(
        _ bytes: [UInt8],
        _ body: (UnsafeRawBufferPointer) throws(DeltaCodecError) -> Value
    ) throws(DeltaCodecError) -> Value {
        let result = bytes.withUnsafeBytes { buffer -> Result<Value, DeltaCodecError> in
            do throws(DeltaCodecError) { return .success(try body(buffer)) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
