import DeltaCodec
import DeltaProtocol
import FuzzSupport

/// Checks the codec with any bytes: it must decode them or throw, and a decoded message must
/// survive encoding and decoding unchanged.
///
/// The first byte selects the message: `R` a request, `A` a reply, `S` statuses. Upper case selects
/// Protocol Buffers, lower case JSON.
enum DeltaCodecTarget {
    /// Traps when the codec breaks its contract on `input`.
    static func check(_ input: UnsafeRawBufferPointer, plant: Bool) {
        guard let selector = input.first else { return }
        let body = UnsafeRawBufferPointer(rebasing: input.dropFirst())
        switch selector {
        case UInt8(ascii: "R"): checkRequest(body, as: .protobuf, plant: plant)
        case UInt8(ascii: "r"): checkRequest(body, as: .json, plant: plant)
        case UInt8(ascii: "A"): checkReply(body, as: .protobuf)
        case UInt8(ascii: "a"): checkReply(body, as: .json)
        case UInt8(ascii: "S"): checkStatuses(body, as: .protobuf)
        case UInt8(ascii: "s"): checkStatuses(body, as: .json)
        default: break
        }
    }

    private static func checkRequest(
        _ body: UnsafeRawBufferPointer, as format: DeltaCodec.Format, plant: Bool
    ) {
        guard let decoded = try? DeltaCodec.decodeRequest(body, as: format) else { return }
        // No shard in the corpus has this base, so the fuzzer has to search for it.
        if plant, decoded.request.shards.contains(where: { $0.coverage > 0 && $0.base == 7 }) {
            PlantedBug.readPastTheEnd(of: body)
        }
        for format in DeltaCodec.Format.allCases {
            let bytes = DeltaCodec.encode(decoded.request, as: format)
            let again = try? DeltaCodec.decodeRequest(bytes, as: format)
            precondition(
                again == DecodedRequest(request: decoded.request), "a request survives \(format)")
        }
    }

    private static func checkReply(
        _ body: UnsafeRawBufferPointer, as format: DeltaCodec.Format
    ) {
        guard let reply = try? DeltaCodec.decodeReply(body, as: format) else { return }
        for format in DeltaCodec.Format.allCases {
            let bytes = DeltaCodec.encode(reply, as: format)
            precondition(
                (try? DeltaCodec.decodeReply(bytes, as: format)) == reply,
                "a reply survives \(format)")
        }
    }

    private static func checkStatuses(
        _ body: UnsafeRawBufferPointer, as format: DeltaCodec.Format
    ) {
        guard let statuses = try? DeltaCodec.decodeStatuses(body, as: format) else { return }
        for format in DeltaCodec.Format.allCases {
            let bytes = DeltaCodec.encode(statuses, as: format)
            precondition(
                (try? DeltaCodec.decodeStatuses(bytes, as: format)) == statuses,
                "statuses survive \(format)")
        }
    }
}
