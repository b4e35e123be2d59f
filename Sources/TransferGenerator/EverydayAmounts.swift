/// Realistic amounts: log-normal around the currency's median, with few very large ones.
///
/// It uses only integers, because the C library's logarithm may differ in its last bit between
/// machines, but a seed must give the same bytes everywhere.
struct EverydayAmounts {
    /// The median in minor units of each entry of the currency mix, in its order.
    private let medians: [Int64]

    init(medians: [Int64]) {
        self.medians = medians
    }

    /// The amount at `position` in the currency of the mix's entry `place`; at least 1, at most
    /// 2^10 times the median.
    func amount(_ streams: RandomStreams, at position: Int, place: Int) -> Int64 {
        let deviation = Self.deviation(streams, at: position)
        let exponent = (deviation * Self.octavesOfDeviation) >> 16
        let octave = exponent >> 16
        let fraction = exponent & 0xFFFF
        let step = fraction >> 12
        let low = Self.sixteenthRoots[step]
        let slope = Self.sixteenthRoots[step + 1] - low
        let factor = low + ((slope * (fraction & 0xFFF)) >> 12)
        return max(1, (medians[place] * Int64(factor)) >> Int64(20 - octave))
    }

    /// A normally distributed number in units of 2^−18 standard deviations, at most six deviations
    /// from 0: the sum of twelve uniform ten-bit numbers has a standard deviation of 2^10. The
    /// remaining bits fill the gaps between sums.
    private static func deviation(_ streams: RandomStreams, at position: Int) -> Int {
        var sum = -12 * 1_023 / 2
        var rest = 0
        for concern in [RandomStreams.Concern.amount, .amountOther] {
            var bits = streams.bits(concern, at: position)
            for _ in 0..<6 {
                sum += Int(bits & 0x3FF)
                bits >>= 10
            }
            rest = (rest << 4) | Int(bits)
        }
        return (sum << 8) + rest - 0x80
    }

    /// Octaves per standard deviation in units of 2^−18: 1.1 ÷ ln 2 · 2^−2 · 2^16. With 1.1, the
    /// mean is e^(1.1² ÷ 2) = 1.83 medians.
    private static let octavesOfDeviation = 26_001

    /// 2^(k ÷ 16) · 2^20. Linear interpolation between them is off by 2 parts in 10,000.
    private static let sixteenthRoots = [
        1_048_576, 1_095_000, 1_143_480, 1_194_106, 1_246_974, 1_302_182, 1_359_835, 1_420_040,
        1_482_910, 1_548_564, 1_617_125, 1_688_722, 1_763_488, 1_841_564, 1_923_097, 2_008_240,
        2_097_152,
    ]
}
