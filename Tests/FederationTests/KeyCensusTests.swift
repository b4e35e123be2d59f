import CivilTime
import Federation
import Testing

@Suite struct KeyCensusTests {
    private static let minute = Minute(1_000)

    private static func count(
        _ version: Int64?, _ hashes: [Int64], sums: Int64 = 3
    ) -> KeyCensus.Count {
        KeyCensus.Count(version: version, hashes: hashes, published: sums, transfers: sums)
    }

    /// The loss that the second of two counts reveals.
    private static func loss(
        _ first: KeyCensus.Count, _ second: KeyCensus.Count
    ) -> KeyCensus.Loss? {
        var census = KeyCensus()
        _ = census.take([minute: first], storeID: "a")
        return census.take([minute: second], storeID: "a")[minute]
    }

    @Test("Fewer hashes at the same version are a loss; at a later one the sums decide")
    func hashes() {
        #expect(Self.loss(Self.count(1, [2, 1]), Self.count(1, [2, 1])) == nil)
        #expect(
            Self.loss(Self.count(1, [2, 1]), Self.count(1, [1, 1]))
                == .init(regions: [0], isCertain: true))
        #expect(
            Self.loss(Self.count(1, [2, 1]), Self.count(2, [2, 0]))
                == .init(regions: [1], isCertain: false))
        #expect(Self.loss(Self.count(1, [2, 1]), Self.count(2, [2, 3])) == nil)
    }

    @Test("A minute with keys that is not listed is suspicious")
    func unlisted() {
        #expect(
            Self.loss(Self.count(1, [2, 1]), Self.count(nil, [2, 1]))
                == .init(regions: [], isCertain: true))
        #expect(
            Self.loss(Self.count(nil, [0, 0], sums: 0), Self.count(nil, [0, 1]))
                == .init(regions: [], isCertain: false))
        #expect(Self.loss(Self.count(1, [0]), Self.count(nil, [0], sums: 0)) == nil)
        // None of its keys are left.
        #expect(
            Self.loss(Self.count(1, [2, 1]), Self.count(nil, [0, 0], sums: 0))
                == .init(regions: [0, 1], isCertain: true))
    }

    @Test("Missing sums are suspicious, whenever they were counted")
    func sums() {
        var odd = Self.count(2, [1])
        odd.transfers = 2
        #expect(Self.loss(Self.count(1, [1]), odd) == .init(regions: [], isCertain: false))
        #expect(
            Self.loss(Self.count(2, [1]), Self.count(2, [1], sums: 2))
                == .init(regions: [], isCertain: true))
        #expect(
            Self.loss(Self.count(1, [1]), Self.count(2, [1], sums: 2))
                == .init(regions: [], isCertain: false))
    }

    @Test("A suspicion remains until the minute is compared, within one database")
    func open() {
        var census = KeyCensus()
        let whole = [Self.minute: Self.count(1, [2])]
        let less = [Self.minute: Self.count(1, [1])]
        #expect(census.take(whole, storeID: "a").isEmpty)
        #expect(census.take(less, storeID: "a").count == 1)
        #expect(census.take(less, storeID: "a").count == 1)
        census.wereCompared([Self.minute])
        #expect(census.take(less, storeID: "a").isEmpty)
        #expect(census.take(whole, storeID: "a").isEmpty)
        #expect(census.take(less, storeID: "b").isEmpty)
        census.keepOnly { $0 != Self.minute }
        #expect(census.take([Self.minute: Self.count(1, [0])], storeID: "b").isEmpty)
    }
}
