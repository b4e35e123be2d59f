import CivilTime
import Money
import Publishing
import Testing

/// Sums at the limits of what the store can hold.
@Suite struct PublicationBoundsTests {
    private typealias Fixture = PublicationTests

    @Test("Sums of a region beyond an Int64 are exact")
    func wideSums() throws {
        let publication = Publisher(settings: Fixture.settings(regions: [Fixture.eu]))
        let current = Fixture.noon.minute
        for (version, settled) in [Int64.max, .min].enumerated() {
            publication.take(
                Fixture.refresh(
                    version: Int64(version),
                    minutes: [
                        Fixture.minute(Fixture.eu, current, settled: settled, correction: settled)
                    ], standings: [Fixture.shard(Fixture.eu): Fixture.standing()],
                    changedAt: [current: Int64(version)]),
                now: Fixture.noon)
            let sum = [
                PublishedTotals.CurrencyTotal(
                    currency: Fixture.eur, amount: 2 * Int128(settled), transfers: 1)
            ]
            #expect(publication.totals(now: Fixture.noon)?.currencies == sum)
            #expect(publication.totals(of: current) == sum)
        }
    }
}
