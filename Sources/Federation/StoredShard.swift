package import CivilTime
package import DeltaProtocol

/// What HQ has committed of a shard: the value of its field in `watermark:{region}`.
///
/// The text is `watermark completeFrom rules.settings.digest timestamp:crc`, decimal but for the
/// digest and the CRC, which are hexadecimal; `-` stands for no fingerprint. A commit compares the
/// text byte for byte with the one it was decided from.
package struct StoredShard: Hashable, Sendable {
    /// The coverage that the shard's buckets are true at; 0 or more.
    package var watermark: Int64
    /// The first minute that is known in full.
    package var completeFrom: Minute
    package var foldVersion: FoldVersion
    /// The record at `watermark` − 1.
    package var fingerprint: Fingerprint?

    package init(
        watermark: Int64, completeFrom: Minute, foldVersion: FoldVersion, fingerprint: Fingerprint?
    ) {
        self.watermark = watermark
        self.completeFrom = completeFrom
        self.foldVersion = foldVersion
        self.fingerprint = fingerprint
    }

    /// The one text of this value.
    package var text: String {
        let digest = String(foldVersion.digest, radix: 16)
        let print = fingerprint.map { "\($0.timestamp):\(String($0.crc, radix: 16))" } ?? "-"
        return "\(watermark) \(completeFrom.number) "
            + "\(foldVersion.rules).\(foldVersion.settings).\(digest) \(print)"
    }

    /// Nil where `text` is not of the form above; HQ then knows nothing of the shard.
    package init?(text: String) {
        let parts = text.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
            .map(Substring.init)
        guard parts.count == 4, let watermark = Int64(parts[0]), watermark >= 0,
            let completeFrom = Int32(parts[1])
        else { return nil }
        let version = parts[2].utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
            .map(Substring.init)
        guard version.count == 3, let rules = UInt32(version[0]),
            let settings = UInt32(version[1]), let digest = UInt64(version[2], radix: 16)
        else { return nil }
        var fingerprint: Fingerprint?
        if parts[3] != "-" {
            let print = parts[3].utf8.split(separator: 0x3A, omittingEmptySubsequences: false)
                .map(Substring.init)
            guard print.count == 2, let timestamp = Int64(print[0]),
                let crc = UInt32(print[1], radix: 16)
            else { return nil }
            fingerprint = Fingerprint(timestamp: timestamp, crc: crc)
        }
        self.init(
            watermark: watermark, completeFrom: Minute(completeFrom),
            foldVersion: FoldVersion(rules: rules, settings: settings, digest: digest),
            fingerprint: fingerprint)
    }
}
