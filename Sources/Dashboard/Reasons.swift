/// What each reason for a degraded answer means to people.
struct Reason {
    /// The word of the public contract.
    let word: String
    /// What follows the region's name, or stands alone where the reason is no region's.
    let statement: String
    /// The statement without a region, for a reason that usually has one.
    var general: String? = nil
    /// For the methodology.
    let explanation: String

    /// The known reason of this word; one that says the word itself for any other.
    static func named(_ word: String) -> Reason {
        all.first { $0.word == word }
            ?? Reason(
                word: word,
                statement: word.replacing("_", with: " "),
                explanation: "")
    }

    /// In the order in which the methodology lists them.
    static let all = [
        Reason(
            word: "region_silent",
            statement: "has gone silent",
            explanation: """
                A part of the region has not been heard of for longer than it should be. What was \
                known of it stays in the total; what moved since then is missing.
                """),
        Reason(
            word: "region_lagging",
            statement: "is behind",
            explanation: """
                The region answers, but the last transfers it has seen are older than they should \
                be. The total will rise when it catches up.
                """),
        Reason(
            word: "region_missing",
            statement: "has not reported yet",
            explanation: "The region is expected and has never been heard of. Nothing of it counts."
        ),
        Reason(
            word: "partitions_missing",
            statement: "is only partly known",
            explanation: "Some partitions of the region's topic have never been heard of."),
        Reason(
            word: "incomplete",
            statement: "lacks some minutes of the day",
            explanation: """
                Some minutes of the window are not known in full, because the region's log no \
                longer holds their beginning. Transfers that arrive for them now cannot be told \
                from repeats, so they are counted separately. The minutes slide out of the window \
                within a day.
                """),
        Reason(
            word: "ahead",
            statement: "has money dated ahead",
            explanation: """
                Transfers of the region are dated more than five minutes after the present: a \
                clock there is wrong. They enter the total when their minute comes.
                """),
        Reason(
            word: "rejecting",
            statement: "rejects many of its records",
            explanation: """
                At least one in twenty of the latest records of a partition cannot be counted: \
                they are malformed, or dated after their own time stamp. They are not in the \
                total; they are kept apart for the region's operators.
                """),
        Reason(
            word: "late_money",
            statement: "receives many late transfers",
            explanation: """
                At least one in twenty of the latest records of a partition are more than 25 \
                hours old, or of minutes for which repeats cannot be told. They are counted \
                separately, as late money.
                """),
        Reason(
            word: "drift",
            statement: "differs from its own records",
            explanation: """
                Headquarters' store holds other figures than the region for the same transfers, \
                and sending them again did not help. The total is off by that difference.
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
            statement: "is being filled in again",
            explanation: """
                Headquarters' store lost data of the region. The last good figures are shown \
                until the region has sent everything again, which takes seconds.
                """),
        Reason(
            word: "store_loss",
            statement: "lost data in the store",
            general: "The store is set to remove data when its memory is full",
            explanation: """
                Headquarters' store lost minutes that nothing had changed, or its Redis is set to \
                remove data when its memory is full. The last good figures are shown until the \
                region has sent everything again.
                """),
        Reason(
            word: "topology_old",
            statement: "A newer topology is in force; this server's files are older",
            explanation: """
                Another server of headquarters has a later version of the file that names regions \
                and their topics. What that one counts is shown; this server takes nothing in \
                until its own file is up to date.
                """),
        Reason(
            word: "store_unreachable",
            statement: "The store does not answer; the last good figures are shown",
            explanation: """
                Headquarters cannot read its store. The last good figures are shown, and the \
                window goes on sliding over them.
                """),
        Reason(
            word: "rates_stale",
            statement: "The exchange rates are older than they should be",
            explanation: """
                The source should have published newer rates by now, of at least a hundredth of \
                the money. The last good ones are used; each currency shows the day of its own.
                """),
        Reason(
            word: "rate_jump",
            statement: "A new exchange rate differs too much to be believed yet",
            explanation: """
                The source gives a currency a rate that is far from the last good one. Until the \
                source has repeated it for a while, or another source confirms it, the last good \
                rate is used; both are shown.
                """),
        Reason(
            word: "rate_old",
            statement: "The source's last answer has no sound exchange rate of these",
            explanation: "The last good rate of the currency is used, and its day is shown."),
        Reason(
            word: "rates_missing",
            statement: "No exchange rates are known",
            explanation: "Only money that is in the base currency already can be in the total."),
        Reason(
            word: "currency_without_rate",
            statement: "There is no exchange rate, so these are not in the total",
            explanation: """
                A currency without a rate is not guessed. It is named and left out of the \
                converted total; its own figure is shown.
                """),
        Reason(
            word: "drift_open",
            statement: "differs from its ledger",
            explanation: """
                Reconciliation found a minute whose ledger and total differ. The answer is \
                labelled until the repair has been made and checked.
                """),
    ]
}
