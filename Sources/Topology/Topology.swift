package import Addresses
package import Identifiers
package import Money

/// A whole deployment: its regions, what HQ publishes, and all addresses.
package struct Topology: Hashable, Sendable {
    /// In the order of the file.
    package var regions: [Region]
    /// Rises with every change of regions, counted logs or their partitions, at least 1: HQs that
    /// share a store follow the greatest.
    package var generation: UInt32
    /// The currencies to publish, in the order of the file. Others are folded and stored as well.
    package var currencies: [Currency]
    /// Published currencies that are listed, and left out of the converted total without degrading
    /// it.
    package var unconverted: [Currency]
    /// The currencies that a request may name as base.
    package var baseCurrencies: [Currency]
    /// The base for requests that name none; one of `baseCurrencies`.
    package var defaultBase: Currency
    /// The ingest listener of every HQ that the regions push to.
    package var headquarters: [ServiceURL]
    package var listeners: Listeners
    package var redis: RedisAddress
    /// The source of rates; with nil, nothing is converted.
    package var rates: RatesSource?
    package var thresholds: Thresholds
    package var pace: PublishingPace
    /// The path of the file with the 128-bit key that hashes transfer ids, in 32 hexadecimal
    /// digits. It never changes during the life of the topology.
    package var idKeyFile: String

    package init(
        regions: [Region], currencies: [Currency], unconverted: [Currency] = [],
        baseCurrencies: [Currency], defaultBase: Currency, headquarters: [ServiceURL],
        listeners: Listeners = Listeners(), redis: RedisAddress, rates: RatesSource?,
        thresholds: Thresholds = Thresholds(), pace: PublishingPace = PublishingPace(),
        idKeyFile: String, generation: UInt32 = 1
    ) {
        self.regions = regions
        self.generation = generation
        self.currencies = currencies
        self.unconverted = unconverted
        self.baseCurrencies = baseCurrencies
        self.defaultBase = defaultBase
        self.headquarters = headquarters
        self.listeners = listeners
        self.redis = redis
        self.rates = rates
        self.thresholds = thresholds
        self.pace = pace
        self.idKeyFile = idKeyFile
    }

    /// The most partitions of a log whose file gives no number. These logs share equally what the
    /// others leave of `maximumShards`, the number of shards that can be summed.
    package var undeclaredPartitions: Int32 {
        let declared = regions.flatMap(\.logs).compactMap(\.partitions)
        let undeclared = regions.reduce(0) { $0 + $1.logs.count } - declared.count
        let left = Self.maximumShards - declared.reduce(0) { $0 + Int($1) }
        return undeclared == 0 ? 0 : Int32(clamping: max(left, 0) / undeclared)
    }

    /// The region with this id.
    package func region(_ id: RegionID) -> Region? { regions.first { $0.id == id } }
}
