extension MethodologyPage {
    /// The sections before the list of reasons.
    static let sections = [
        ProseSection(
            id: "settled", heading: "What counts",
            paragraphs: [
                """
                A transfer counts when it is settled: when a region's ledger has recorded that \
                the money has finally reached the other side. Transfers that are only authorised, \
                pending or announced do not count yet.
                """,
                """
                Amounts are gross. A transfer of 100 euros counts as 100 euros, whatever its fee. \
                A payment that is later returned still counts.
                """,
            ]),
        ProseSection(
            id: "excluded", heading: "What does not count",
            paragraphs: [
                """
                Reversals and refunds are not subtracted. Fees are not added. Regions announce \
                only settled transfers between parties: they leave out movements between accounts \
                of the same institution and test transfers.
                """,
                """
                A record is rejected if its currency is not in ISO 4217, its amount is not a \
                positive whole number of minor units, or its time is in the future. Rejected \
                records are counted by reason and kept for examination. They never change a total.
                """,
            ]),
        ProseSection(
            id: "window", heading: "The window",
            paragraphs: [
                """
                The last 24 hours are 1,440 minutes in UTC: the current minute, which is still \
                incomplete, and the 1,439 before it. When a minute begins, the oldest one leaves, \
                so the total can fall as well as rise.
                """,
                """
                A transfer belongs to the minute in which it was settled, not to the minute in \
                which it arrived. A late transfer raises a minute in the past.
                """,
            ]),
        ProseSection(
            id: "late", heading: "Late money",
            paragraphs: [
                """
                Minutes stay open for 25 hours. Transfers that arrive later are not dropped: they \
                are recorded as late money, by currency, which is shown next to the total but is \
                not part of it.
                """,
                """
                If a region is disconnected for longer, its minutes expire before they reach \
                headquarters. Their money is shown as missed money for 24 hours. An amount of late \
                or missed money is hidden if it has so few transfers that it would reveal single \
                ones.
                """,
            ]),
        ProseSection(
            id: "duplicates", heading: "Duplicates",
            paragraphs: [
                """
                Every large system repeats messages. Each transfer has an identifier and counts \
                only once. If two records have the same identifier but different content, the \
                first one counts and the conflict is reported. Identifiers are remembered for \
                longer than the window, so no transfer counts twice in one total.
                """
            ]),
        ProseSection(
            id: "conversion", heading: "Exchange rates and rounding",
            paragraphs: [
                """
                Every currency is counted in whole minor units, with the decimals of ISO 4217: \
                none for the yen, two for the euro, three for the Kuwaiti dinar. No calculation \
                uses floating point.
                """,
                """
                Amounts are converted only when a total is read, with one set of published rates \
                at a time, shown with its source and its date. The converted total is an exact \
                fraction over all currencies that is rounded once, at the end, half to even: a \
                result exactly between two minor units is rounded to the even one. Rates are never \
                inverted and rounded in between.
                """,
                """
                The figures by currency, by region and by minute are each rounded separately. \
                Their sum can therefore differ from the total in the last digits. The total is \
                right.
                """,
                """
                A currency without a rate is not estimated. It is listed, left out of the \
                converted total, and shown in its own units.
                """,
            ]),
        ProseSection(
            id: "small", heading: "Small counts",
            paragraphs: [
                """
                The figure of a currency with very few transfers would reveal single payments. \
                Currencies with fewer transfers than a limit, five by default, are combined in one \
                line named Other, and minutes with fewer are left blank in the series. They are \
                part of the total.
                """
            ]),
        ProseSection(
            id: "completeness", heading: "How complete an answer is",
            paragraphs: [
                """
                Every answer has a time: data_as_of is the earliest of the times up to which the \
                regions have provably been read. The total includes everything that was settled \
                and announced before then, and may include later transfers.
                """,
                """
                The number on the dashboard changes only from one confirmed total to the next. It \
                is never estimated. When the connection is lost, the number stops and its age is \
                shown.
                """,
            ]),
    ]

    static let gaps = ProseSection(
        id: "gaps", heading: "Known gaps",
        paragraphs: [
            """
            The number covers the listed regions and the transfers that their ledgers call \
            settled. Settlement practice differs between them, and some settle in batches, which \
            cause peaks.
            """,
            """
            Converted amounts are indicative, because rates are published once a day but money \
            moves all day. Figures in a currency's own units do not depend on rates.
            """,
            """
            An unreachable region keeps its last known part of the total, so the total lacks what \
            moved there since. The banner says so until the region is back.
            """,
            """
            Corrections made after a comparison with a ledger change past minutes by a signed \
            amount. They are part of the figures, and each can be audited.
            """,
        ])
}
