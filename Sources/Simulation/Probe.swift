/// A situation that must occur in some run of a sweep: a simulation that never reaches it proves
/// nothing about it.
package enum Probe: Int, CaseIterable, Sendable {
    // Each kind of fault, when it took effect.
    case nodeCrashed
    case nodeResumed
    case shardHandedOver
    case linkCutOneWay
    case linkCutBothWays
    case headquartersCrashed
    case storeRolledBack
    case storeWiped
    case scriptFailed
    case storeUnreachable
    case logTrimmed
    case nodeClockWrong
    case headquartersClockWrong
    case slept
    case historyLost
    case strayMoney
    case foreignRecordStopped
    case logRecreatedUnderState
    case headquartersClockFarAhead
    case groupDown
    case transactionHung
    case nodeStartedWithWrongClock
    case partitionIdleForLong

    case storeSpoiled
    case keysLost
    case changesLost
    case keysMissed
    case lossNoticed
    case commitFilled
    case fillingCut
    case stoppedInOrder

    // The network.
    case requestLost
    case replyLost
    case copyTaken
    case lateCopyTaken
    case requestsReordered
    case replyTooLate

    // Outcomes of records, hit once a node whose counts are compared has folded them.
    case plainRepeat
    case malformedRejected
    case unstampedRejected
    case controlIgnored
    case lateAccount
    case conflict
    case redatedDuplicate
    case idExpiredCountsAgain
    case correctionApplied
    case correctionVoid
    case correctionDuplicate
    case correctionTooOld
    case moneyAhead
    case moneyBehind
    case brokerClockBehind
    case futureRejected
    case overflowRejected
    case precisionRejected

    // Kafka apart from the log: queries, the group and dead letters.
    case brokerAskedAgain
    case endAnsweredLate
    case groupCommitted
    case commitFailed
    case letterWritten
    case letterRefused
    case letterTooLarge
    case letterCut
    case heldBack

    // Several HQs, commands and the audit.
    case pushedInParts
    case otherHeadquartersAsked
    case commandOffered
    case commandPublished
    case commandPublishedAgain
    case commandVoid
    case commandOutcomeTold
    case auditDiffered
    case auditHealed

    // The protocol, the fold and what is published.
    case casConflict
    case halfScriptRepaired
    case unknownOutcome
    case crashedAfterApply
    case watermarkRegressed
    case baseZeroReplaced
    case unnamedBucketRemoved
    case seeded
    case gapDeclared
    case zombieRepeat
    case equalCoverageEarlierIds
    case truncatedRequestRefused
    case truncatedReplyRefused
    case heartbeatFoundWipe
    case idsOnlyPhase
    case ringSlotReused
    case unreachableBroker
    case outOfRangeRejoined
    case redelivered
    case endBehindHole
    case foldVersionRaised
    case foldVersionOlderRefused
    case minutesExpired
    case verificationDroppedWatermark
    case publisherKeptLastGood
    case versionAsked
    case eventWaited
    case reportWithoutRead
    case digestCompared
    case seededMinuteStoodStill
    /// The oldest minutes of the window are seeded, yet the total is exact and not degraded.
    case seededWindowShown
    case unprovenMoney
    case filledWithMoneyAhead
    case seedTakenByAnother
    case repeatTakenForNew
    case repeatOfLogBefore
    case oldTopologyRefused
    case logTakenOut
    case replacementAwaited
    case addedPartitionRefused
    case countersCompared
    case missedMoney

    /// The name in reports.
    package var name: String {
        var words = ""
        for byte in "\(self)".utf8 {
            if (0x41...0x5A).contains(byte) { words += "_" }
            words.unicodeScalars.append(Unicode.Scalar(byte | 0x20))
        }
        return words
    }
}

/// The number of hits of each probe.
package struct ProbeCounts: Hashable, Sendable {
    private var counts = [Int](repeating: 0, count: Probe.allCases.count)

    package init() {}

    package subscript(probe: Probe) -> Int { counts[probe.rawValue] }

    mutating func hit(_ probe: Probe) { counts[probe.rawValue] += 1 }

    package mutating func add(_ other: ProbeCounts) {
        for index in counts.indices { counts[index] += other.counts[index] }
    }

    /// Probes without a hit.
    package var missing: [Probe] { Probe.allCases.filter { self[$0] == 0 } }
}
