import CivilTime
import Money

/// The native object in the form that machines write: the four fields in order, no white space, no
/// escapes, ASCII, UTC in whole seconds. Nearly every record has this form, which word compares at
/// fixed distances can read. Anything else returns false and takes the general path.
extension RecordDecoder {
    /// The text between the values, as little-endian words that cover it from both ends.
    private static let opening: (UInt64, UInt64) = (0x6673_6E61_7274_227B, 0x223A_2264_695F_7265)
    private static let currencyKey: (UInt64, UInt64) = (
        0x6572_7275_6322_2C22, 0x223A_2279_636E_6572
    )
    private static let amountKey: (UInt64, UInt64, UInt64) = (
        0x6E75_6F6D_6122_2C22, 0x5F72_6F6E_696D_5F74, 0x3A22_7374_696E_755F
    )
    private static let timeKey: (UInt64, UInt64, UInt64) = (
        0x656C_7474_6573_222C, 0x6374_755F_7461_5F64, 0x223A_2263_7475_5F74
    )
    /// Bytes after the id: 14 to the code, 3 of it, 23 to the amount, 1 digit, 41 to the end.
    private static let bytesAfterID = 82
    /// 16 bytes before the id and at least one of it.
    private static let minimumBytes = 17 + bytesAfterID

    @inline(__always)
    mutating func decodeCompact(
        _ bytes: UnsafeRawBufferPointer, into transfer: inout DecodedTransfer
    ) -> Bool {
        let count = bytes.count
        guard count >= Self.minimumBytes, count <= 512, let base = bytes.baseAddress else {
            return false
        }
        // {"transfer_id":"
        guard unsafe word(base, 0) == Self.opening.0,
            unsafe word(base, 8) == Self.opening.1
        else { return false }

        // The id: printable ASCII except quote and backslash, up to the closing quote.
        let idStart = 16
        guard let idEnd = unsafe plainStringEnd(base, from: idStart, count: count) else {
            return false
        }
        let idCount = idEnd &- idStart
        guard idCount >= 1, idCount <= 128, count &- idEnd >= Self.bytesAfterID else {
            return false
        }

        // ","currency":" then three letters, then ","amount_minor_units":
        guard unsafe word(base, idEnd) == Self.currencyKey.0,
            unsafe word(base, idEnd &+ 6) == Self.currencyKey.1
        else { return false }
        let code = idEnd &+ 14
        guard
            let slot = unsafe Currency.slot(
                base.load(fromByteOffset: code, as: UInt8.self),
                base.load(fromByteOffset: code &+ 1, as: UInt8.self),
                base.load(fromByteOffset: code &+ 2, as: UInt8.self))
        else { return false }
        let currency = unsafe currencyBySlot[slot]
        guard currency != Currency.none,
            unsafe word(base, code &+ 3) == Self.amountKey.0,
            unsafe word(base, code &+ 11) == Self.amountKey.1,
            unsafe word(base, code &+ 18) == Self.amountKey.2
        else { return false }

        // Digits, no leading zero, at most 18 so that the sum cannot overflow.
        var at = code &+ 26
        let digitsStart = at
        var amount: Int64 = 0
        // A valid record has more than eight bytes after the digits.
        if at &+ 8 <= count, let eight = unsafe eightDigits(word(base, at)) {
            amount = eight
            at &+= 8
        }
        while at < count {
            let digit = unsafe base.load(fromByteOffset: at, as: UInt8.self) &- 0x30
            guard digit <= 9 else { break }
            amount = amount &* 10 &+ Int64(digit)
            at &+= 1
            guard at &- digitsStart <= 18 else { return false }
        }
        guard amount > 0, amount <= Self.maximumAmount,
            unsafe base.load(fromByteOffset: digitsStart, as: UInt8.self) != 0x30,
            // ,"settled_at_utc":" and 20 bytes of time and "}
            count &- at == 41,
            unsafe word(base, at) == Self.timeKey.0,
            unsafe word(base, at &+ 8) == Self.timeKey.1,
            unsafe word(base, at &+ 11) == Self.timeKey.2,
            unsafe base.loadUnaligned(fromByteOffset: at &+ 39, as: UInt16.self) == 0x7D22
        else { return false }
        guard let milliseconds = unsafe compactTime(base, at &+ 19) else { return false }

        transfer.id = unsafe IDHash(
            UnsafeRawBufferPointer(rebasing: bytes[idStart..<idEnd]), key: transferKey)
        transfer.amount = amount
        transfer.settledAt = UnixTime(milliseconds: milliseconds)
        transfer.currency = Currency(uncheckedIndex: currency)
        return true
    }

    @inline(__always)
    private func word(_ base: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// The number that eight ASCII digits spell; nil if one of the bytes is not a digit.
    @inline(__always)
    private func eightDigits(_ text: UInt64) -> Int64? {
        let text = UInt64(littleEndian: text)
        let values = text &- 0x3030_3030_3030_3030
        // A byte below "0" borrows, one above "9" carries into its high half.
        guard (values | (values &+ 0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080 == 0 else {
            return nil
        }
        // Combine neighbours, then pairs, then fours.
        let pairs = (values &* 10 &+ values &>> 8) & 0x00FF_00FF_00FF_00FF
        let fours = (pairs &* 100 &+ pairs &>> 16) & 0x0000_FFFF_0000_FFFF
        let eight = (fours &* 10_000 &+ fours &>> 32) & 0xFFFF_FFFF
        return Int64(eight)
    }

    /// The position of the quote that ends a string of printable ASCII without escapes; nil if
    /// another byte comes first, or if no quote is within reach.
    @inline(__always)
    private func plainStringEnd(_ base: UnsafeRawPointer, from start: Int, count: Int) -> Int? {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var at = start
        while at &+ 8 <= count {
            let text = unsafe UInt64(littleEndian: word(base, at))
            let quotes = text ^ (ones &* 0x22)
            let slashes = text ^ (ones &* 0x5C)
            // The classic zero-byte test; exact in the lowest byte that it marks.
            let quote = (quotes &- ones) & ~quotes & highs
            let other =
                ((slashes &- ones) & ~slashes | (text &- ones &* 0x20) & ~text | text) & highs
            let marks = quote | other
            guard marks != 0 else {
                at &+= 8
                continue
            }
            let lowest = marks & (0 &- marks)
            return quote & lowest != 0 ? at &+ marks.trailingZeroBitCount &>> 3 : nil
        }
        return nil
    }

    /// `YYYY-MM-DDTHH:MM:SSZ` in milliseconds; nil if the text is not a plain time of that form.
    /// The last minute is cached, because most records repeat it.
    @inline(__always)
    private mutating func compactTime(_ base: UnsafeRawPointer, _ offset: Int) -> Int64? {
        let text = unsafe (word(base, offset), word(base, offset &+ 8))
        if text != minuteText {
            // Fill the cache only from a minute whose whole text was valid.
            let whole = unsafe UnsafeRawBufferPointer(start: base + offset, count: 20)
            guard let time = unsafe RFC3339.parse(whole) else { return nil }
            minuteText = text
            // Not through `Minute`, which ends with the year 6053.
            let milliseconds = time.milliseconds
            minuteStart = milliseconds &- (milliseconds % 60_000 &+ 60_000) % 60_000
        }
        let tail = unsafe base.loadUnaligned(fromByteOffset: offset &+ 16, as: UInt32.self)
        let tens = UInt8(truncatingIfNeeded: tail &>> 8) &- 0x30
        let ones = UInt8(truncatingIfNeeded: tail &>> 16) &- 0x30
        // ":SSZ"; second 60 and lower-case z take the general path.
        guard tail & 0xFF00_00FF == 0x5A00_003A, tens <= 5, ones <= 9 else { return nil }
        return minuteStart &+ (Int64(tens) &* 10 &+ Int64(ones)) &* 1_000
    }
}
