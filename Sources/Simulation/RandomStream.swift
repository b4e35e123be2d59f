import Hashing
import Pacing

/// SplitMix64, one stream for each part of the world: an additional draw in one does not shift the
/// others.
struct RandomStream {
    /// The part of the world that draws.
    enum Part: UInt64, CaseIterable {
        case options = 1
        case log
        case author
        case network
        case region
        case headquarters
        case store
        case faults
        case sites
        case letters
        case commands
        case keys
        case continuation
        case topology
    }

    private var generator: SplitMix64

    init(seed: UInt64, part: Part) {
        generator = SplitMix64(
            seed: SplitMix64.mix(
                seed &* 0x9E37_79B9_7F4A_7C15 &+ part.rawValue &* 0xD1B5_4A32_D192_ED03))
    }

    mutating func next() -> UInt64 { generator.next() }

    /// 0 to `bound` − 1; `bound` must be above 0.
    mutating func below(_ bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    mutating func within(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(below(Int(range.upperBound - range.lowerBound) + 1))
    }

    mutating func within(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }

    /// True with a probability of `share` in 1,000.
    mutating func happens(perMille share: Int) -> Bool { below(1_000) < share }

    mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }

    /// An exponential waiting time with about this mean, by a piecewise linear logarithm in
    /// integers.
    mutating func wait(mean: Int64) -> Int64 {
        let draw = next() | 1
        let zeros = Int64(draw.leadingZeroBitCount)
        let fraction = Int64((draw << UInt64(zeros + 1)) >> 54)
        // −ln(u) = ln 2 × −log2(u), and log2 is about linear between powers of two.
        let scaledLog = zeros * 1_024 + (1_023 - fraction)
        return mean * scaledLog * 710 / (1_024 * 1_024)
    }
}
