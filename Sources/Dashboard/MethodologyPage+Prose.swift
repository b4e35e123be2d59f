extension MethodologyPage {
    /// What the reasons come after.
    static let sections = [
        ProseSection(
            id: "settled", heading: "What counts",
            paragraphs: [
                """
                A transfer counts when it is settled: when a region's ledger has recorded that \
                the money has reached the other side, finally. What is merely authorised, \
                pending or announced does not count yet.
                """,
                """
                Amounts are gross. A transfer of 100 euros counts as 100 euros, whatever was \
                charged for it, and a payment that is later sent back has moved money all the \
                same.
                """,
            ]),
        ProseSection(
            id: "excluded", heading: "What does not count",
            paragraphs: [
                """
                Reversals and refunds are not subtracted. Fees are not added. Movements between \
                accounts of the same institution and test transfers are kept out at the source: \
                regions announce only settled transfers between parties.
                """,
                """
                A record that breaks the rules, because its currency is not one of ISO 4217, its \
                amount is not a positive whole number of minor units, or its time lies in the \
                future, is rejected, counted by its reason and kept for examination. It never \
                changes a total.
                """,
            ]),
        ProseSection(
            id: "window", heading: "The window",
            paragraphs: [
                """
                The last 24 hours are 1,440 minutes of UTC: the current minute, which is still \
                filling, and the 1,439 before it. When a minute begins, the oldest one leaves, \
                so the total can fall as well as rise.
                """,
                """
                A transfer belongs to the minute it was settled in, not to the minute it was \
                heard of. One that arrives late raises a minute in the past.
                """,
            ]),
        ProseSection(
            id: "late", heading: "Late money",
            paragraphs: [
                """
                Minutes stay open for 25 hours. A transfer that arrives after its minute has \
                left the books is not dropped without a word: it is added to an account of late \
                money, by currency, which is shown beside the total and is not part of it.
                """,
                """
                If a region is cut off for longer than that, its minutes expire before they reach \
                headquarters. Their money is shown as missed money for 24 hours. Amounts of late \
                or missed money are hidden if so few transfers would reveal single ones.
                """,
            ]),
        ProseSection(
            id: "duplicates", heading: "Duplicates",
            paragraphs: [
                """
                Messages are repeated in every large system. Each transfer has an identifier, and \
                a transfer that was seen before counts no second time. Where two records share an \
                identifier and differ in content, the first one counts and the contradiction is \
                reported. Identifiers are remembered for longer than the window, so nothing can \
                count twice in one total.
                """
            ]),
        ProseSection(
            id: "conversion", heading: "Exchange rates and rounding",
            paragraphs: [
                """
                Every currency is counted in its own minor units, as whole numbers, with the \
                digits that ISO 4217 gives it: none for the yen, two for the euro, three for the \
                Kuwaiti dinar. Nothing is ever computed in floating point.
                """,
                """
                Conversion happens only when a total is read, with one set of published rates at \
                a time, named with its source and its date. The converted total is an exact \
                fraction over all currencies that is rounded once, at the very end, half to even: \
                a result exactly between two minor units goes to the even one. Rates are never \
                inverted and rounded in between.
                """,
                """
                The parts shown beside the total, by currency, by region and by minute, are \
                rounded once each by themselves. Their sum can therefore differ from the total in \
                the last digits. The total is right.
                """,
                """
                A currency without a rate is not guessed. It is named, left out of the converted \
                total, and shown in its own units.
                """,
            ]),
        ProseSection(
            id: "small", heading: "Small counts",
            paragraphs: [
                """
                A currency with very few transfers would give single payments away. Figures of \
                fewer than a set number of transfers, five unless configured otherwise, are \
                folded into one line named Other, and minutes with too few are left blank in the \
                series. They are part of the total.
                """
            ]),
        ProseSection(
            id: "completeness", heading: "How complete an answer is",
            paragraphs: [
                """
                Every answer says what time it is of: data_as_of is the earliest of the times up \
                to which each region has provably been read to the end. Everything that was \
                settled and announced before then is in the total; something settled since may be \
                in it already.
                """,
                """
                The number on the dashboard moves only from one confirmed total to the next. It \
                is never run ahead by an estimate, and when the connection is cut it stands still \
                and says how old it is.
                """,
            ]),
    ]

    static let gaps = ProseSection(
        id: "gaps", heading: "Known gaps",
        paragraphs: [
            """
            The number covers the regions that are listed, and what their ledgers call settled. \
            Settlement practice differs between them, and some settle in batches, which shows as \
            peaks.
            """,
            """
            Converted amounts are indicative: rates are published once a day, while money moves \
            all day. Figures in a currency's own units do not depend on them.
            """,
            """
            A region that is out of reach keeps its last known part of the total, which then is \
            too low by what moved since. The banner says so for as long as it lasts.
            """,
            """
            Corrections made after comparing with a ledger change past minutes by a signed \
            amount. They are part of the figures here, and each leaves a trail that can be \
            audited.
            """,
        ])
}
