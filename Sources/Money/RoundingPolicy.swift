import BigInt

/// How an exact amount is rounded to whole minor units. Every answer names its policy.
package enum RoundingPolicy: String, Hashable, Sendable, CaseIterable {
    /// To the nearest; a tie goes to the even neighbour.
    case halfEven = "half_even"
    /// To the nearest; a tie goes away from zero.
    case halfUp = "half_up"

    /// `numerator` ÷ `denominator`, rounded once. `denominator` must not be zero.
    func quotient(of numerator: BigInt, by denominator: BigUInt) -> BigInt {
        let (quotient, remainder) = numerator.magnitude.quotientAndRemainder(
            dividingBy: denominator)
        let doubled = remainder << 1
        let isAway: Bool
        if doubled == denominator {
            isAway =
                switch self {
                case .halfEven: quotient % 2 == 1
                case .halfUp: true
                }
        } else {
            isAway = doubled > denominator
        }
        return BigInt(sign: numerator.sign, magnitude: isAway ? quotient + 1 : quotient)
    }
}
