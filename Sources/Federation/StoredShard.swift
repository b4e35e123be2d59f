import CivilTime
package import DeltaProtocol

/// HQ's committed state of a shard: the value of its field in `watermark:{region}`.
///
/// The text is `watermark idsFrom rules.settings.digest offset:timestamp:crc valuesFrom idsShort`,
/// decimal except for the digest and the CRC, which are hexadecimal; `-` means no fingerprint, or
/// no short ids. A text of four parts, whose fingerprint lacks the offset, was written by rules
/// generation 1. A commit compares the text byte for byte with the one that its decision is based
/// on.
package struct StoredShard: Hashable, Sendable {
    /// The coverage that the shard's buckets are true at; 0 or more.
    package var watermark: Int64
    package var claims: Claims
    package var foldVersion: FoldVersion
    /// The last record below `watermark`.
    package var fingerprint: Fingerprint?

    package init(
        watermark: Int64, claims: Claims, foldVersion: FoldVersion, fingerprint: Fingerprint?
    ) {
        self.watermark = watermark
        self.claims = claims
        self.foldVersion = foldVersion
        self.fingerprint = fingerprint
    }

    /// The canonical text of this value.
    package var text: String {
        let digest = String(foldVersion.digest, radix: 16)
        let print =
            fingerprint.map { "\($0.offset):\($0.timestamp):\(String($0.crc, radix: 16))" } ?? "-"
        let short =
            claims.idsShortUntil == Claims.always ? "-" : "\(claims.idsShortUntil.number)"
        return "\(watermark) \(claims.idsFrom.number) "
            + "\(foldVersion.rules).\(foldVersion.settings).\(digest) \(print) "
            + "\(claims.valuesFrom.number) \(short)"
    }

    /// Nil if `text` does not have the form above; HQ then has no state of the shard.
    package init?(text: String) {
        let parts = text.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
            .map(Substring.init)
        let isFirst = parts.count == 4
        guard isFirst || parts.count == 6, let watermark = Int64(parts[0]), watermark >= 0,
            let idsFrom = Int32(parts[1]), let valuesFrom = Int32(parts[isFirst ? 1 : 4])
        else { return nil }
        let version = parts[2].utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
            .map(Substring.init)
        guard version.count == 3, let rules = UInt32(version[0]),
            let settings = UInt32(version[1]), let digest = UInt64(version[2], radix: 16)
        else { return nil }
        var fingerprint: Fingerprint?
        if parts[3] != "-" {
            var print = parts[3].utf8.split(separator: 0x3A, omittingEmptySubsequences: false)
                .map(Substring.init)
            if isFirst { print.insert("\(watermark - 1)", at: 0) }
            guard print.count == 3, let offset = Int64(print[0]), let timestamp = Int64(print[1]),
                let crc = UInt32(print[2], radix: 16)
            else { return nil }
            fingerprint = Fingerprint(offset: offset, timestamp: timestamp, crc: crc)
        }
        var idsShortUntil = Claims.always
        if !isFirst, parts[5] != "-" {
            guard let number = Int32(parts[5]) else { return nil }
            idsShortUntil = Minute(number)
        }
        self.init(
            watermark: watermark,
            claims: Claims(
                valuesFrom: Minute(valuesFrom), idsFrom: Minute(idsFrom),
                idsShortUntil: idsShortUntil),
            foldVersion: FoldVersion(rules: rules, settings: settings, digest: digest),
            fingerprint: fingerprint)
    }
}
