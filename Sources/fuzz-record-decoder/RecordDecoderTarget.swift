import Aggregation
import CivilTime
import DeltaProtocol
import FuzzSupport
import Money

/// Checks the decoder with any bytes: it must return a result without a trap, and its fast path for
/// the usual spelling must agree with the general path.
enum RecordDecoderTarget {
    private static let key = IDKey(low: 0x0706_0504_0302_0100, high: 0x0F0E_0D0C_0B0A_0908)

    /// Everything that the decoder reports about a record.
    private enum Answer: Equatable {
        case transfer(IDHash, amount: Int64, settledAt: UnixTime, Currency)
        case correction(DecodedCorrection)
        case marker(LedgerMarker)
        case ignored
        case rejected(RejectReason)
    }

    /// Traps when the decoder breaks its contract on `input`.
    static func check(_ input: UnsafeRawBufferPointer, plant: Bool) {
        let answer = decode(input)
        // Leading white space is valid JSON but not the usual spelling, so it forces the general
        // path.
        if input.count < RecordDecoder.maximumBytes {
            let general = ([0x20] + Array(input)).withUnsafeBytes { decode($0) }
            precondition(answer == general, "both paths answer the same: \(answer), \(general)")
        }
        // No correction in the corpus follows another one, so the fuzzer has to search for it.
        if plant, case .correction(let correction) = answer, correction.before != 0 {
            PlantedBug.readPastTheEnd(of: input)
        }
    }

    private static func decode(_ bytes: UnsafeRawBufferPointer) -> Answer {
        var decoder = RecordDecoder(key: key)
        var transfer = DecodedTransfer(
            id: IDHash(low: 0, high: 0), amount: 0, settledAt: UnixTime(milliseconds: 0),
            currency: Currency.all[0])
        switch decoder.decode(bytes, into: &transfer) {
        case .transfer:
            precondition(
                (1...RecordDecoder.maximumAmount).contains(transfer.amount),
                "a transfer moves something, within its bound")
            return .transfer(
                transfer.id, amount: transfer.amount, settledAt: transfer.settledAt,
                transfer.currency)
        case .correction(let correction): return .correction(correction)
        case .marker(let marker): return .marker(marker)
        case .ignored: return .ignored
        case .rejected(let reason): return .rejected(reason)
        }
    }
}
