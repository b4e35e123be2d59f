/// Explains a reason for a degraded answer.
struct Reason {
    /// The word of the public contract.
    let word: String
    /// The text after the region's name, or a whole sentence if the reason has no region.
    let statement: String
    /// The sentence without a region, for a reason that usually has one.
    var general: String? = nil
    /// For the methodology.
    let explanation: String

    /// The reason with this word; for an unknown word, a reason that shows the word itself.
    static func named(_ word: String) -> Reason {
        all.first { $0.word == word }
            ?? Reason(
                word: word,
                statement: word.replacing("_", with: " "),
                explanation: "")
    }

    /// In the order of the methodology.
    static let all = [
        Reason(
            word: "region_silent",
            statement: "has gone silent",
            explanation: """
                A part of the region has not reported for too long. Its earlier transfers stay in \
                the total; later ones are missing.
                """),
        Reason(
            word: "region_lagging",
            statement: "is behind",
            explanation: """
                The region reports, but the last transfers that it has read are too old. The total \
                rises when the region catches up.
                """),
        Reason(
            word: "region_missing",
            statement: "has not reported yet",
            explanation: "The region is configured but has never reported. The total lacks it."
        ),
        Reason(
            word: "partitions_missing",
            statement: "is only partly known",
            explanation: "Some partitions of the region's topic have never reported."),
        Reason(
            word: "incomplete",
            statement: "lacks some minutes of the day",
            explanation: """
                Some minutes of the window are incomplete, because the region's log no longer \
                contains their beginning. Transfers that arrive for them now may be repeats, so \
                they are counted separately. The minutes leave the window within a day.
                """),
        Reason(
            word: "ahead",
            statement: "has transfers dated in the future",
            explanation: """
                Transfers of the region are dated more than five minutes in the future, so a clock \
                there is wrong. They enter the total when their minute comes.
                """),
        Reason(
            word: "rejecting",
            statement: "rejects many of its records",
            explanation: """
                At least one in twenty of the latest records of a partition cannot be counted: \
                they are malformed, or dated after their own time stamp. They are not in the \
                total; the region's operators can examine them.
                """),
        Reason(
            word: "late_money",
            statement: "receives many late transfers",
            explanation: """
                At least one in twenty of the latest records of a partition are more than 25 \
                hours old, or belong to minutes for which repeats cannot be recognised. They are \
                counted separately, as late money.
                """),
        Reason(
            word: "drift",
            statement: "differs from its own records",
            explanation: """
                Headquarters' store and the region have different figures for the same transfers, \
                and resending them did not help. The total is wrong by that difference.
                """),
        Reason(
            word: "skew",
            statement: "has a clock that differs by more than a minute",
            explanation: """
                The clocks of the region and of headquarters disagree, so money may be in a \
                neighbouring minute, and the edge of the window is not exact.
                """),
        Reason(
            word: "store_refilling",
            statement: "is resending its data",
            explanation: """
                Headquarters' store lost data of the region. The last good figures are shown \
                until the region has resent everything, which takes seconds.
                """),
        Reason(
            word: "store_loss",
            statement: "lost data in the store",
            general: "The store is configured to remove data when its memory is full",
            explanation: """
                Headquarters' store lost minutes that nothing had changed, or its Redis is \
                configured to remove data when its memory is full. The last good figures are shown \
                until the region has resent everything.
                """),
        Reason(
            word: "topology_old",
            statement: "A newer topology is in force; this server's files are older",
            explanation: """
                Another server of headquarters has a newer version of the file that lists regions \
                and their topics. This server shows what that version counts, and accepts no data \
                until its own file is up to date.
                """),
        Reason(
            word: "store_unreachable",
            statement: "The store does not answer; the last good figures are shown",
            explanation: """
                Headquarters cannot read its store. The last good figures are shown, and old \
                minutes keep leaving the window.
                """),
        Reason(
            word: "rates_stale",
            statement: "The exchange rates are older than they should be",
            explanation: """
                Newer rates are overdue for at least a hundredth of the money. The last good ones \
                are used; each currency shows the day of its rate.
                """),
        Reason(
            word: "rate_jump",
            statement: "A new exchange rate differs too much from the last one to be used yet",
            explanation: """
                The source gives a rate that is far from the last good one. The last good rate is \
                used until the source has repeated the new one for a while or another source \
                confirms it; both are shown.
                """),
        Reason(
            word: "rate_old",
            statement: "The source's last answer has no valid exchange rate for these currencies",
            explanation: "The last good rate of each currency is used, and its day is shown."),
        Reason(
            word: "rates_missing",
            statement: "No exchange rates are known",
            explanation: "The total contains only money in the base currency itself."),
        Reason(
            word: "currency_without_rate",
            statement: "Without an exchange rate, these are not in the total",
            explanation: """
                A currency without a rate is not estimated. It is listed and left out of the \
                converted total; its own figure is shown.
                """),
        Reason(
            word: "drift_open",
            statement: "differs from its ledger",
            explanation: """
                Reconciliation found a minute for which the ledger and the total differ. The \
                answer is labelled until the difference has been repaired and checked.
                """),
    ]
}
