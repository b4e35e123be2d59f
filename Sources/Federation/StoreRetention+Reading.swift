import DeltaProtocol

extension StoreRetention {
    /// How many minutes before the present one a full view begins.
    package static let retainedBefore = Limits.retainedMinutes - 1
    /// How many minutes after the present one a full view ends; later ones are read if they are
    /// listed as changed.
    package static let readAhead = Limits.windowMinutes
    /// How many minutes after the present one keys are counted, listed or not.
    package static let countedAhead = Limits.futureMinutes
}
