package import Addresses
package import Identifiers
package import Money

/// The whole of a deployment: its regions, what HQ publishes, and where everything is.
package struct Topology: Hashable, Sendable {
    /// In the order of the file.
    package var regions: [Region]
    /// Rises with every change of regions, counted logs or their partitions, at least 1: HQs that
    /// share a store follow the greatest.
    package var generation: UInt32
    /// The currencies to publish, in the order of the file. Others are folded and stored as well.
    package var currencies: [Currency]
    /// Published currencies that are named and left out of the converted total without degrading
    /// it.
    package var unconverted: [Currency]
    /// The currencies that a total can be asked for in.
    package var baseCurrencies: [Currency]
    /// The base of an answer where the question names none; one of `baseCurrencies`.
    package var defaultBase: Currency
    /// The ingest listener of every HQ that the regions push to.
    package var headquarters: [ServiceURL]
    package var listeners: Listeners
    package var redis: RedisAddress
    /// Where rates come from; nil leaves every total in its own currency alone.
    package var rates: RatesSource?
    package var thresholds: Thresholds
    package var pace: PublishingPace
    /// The path of the file with the 128-bit key that transfer ids are hashed with, in 32
    /// hexadecimal digits. It is fixed for the life of the topology.
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

    /// How many partitions a log may have whose file does not say: an equal part of what the logs
    /// that do say leave of `maximumShards`, for only as many shards can be summed.
    package var undeclaredPartitions: Int32 {
        let declared = regions.flatMap(\.logs).compactMap(\.partitions)
        let undeclared = regions.reduce(0) { $0 + $1.logs.count } - declared.count
        let left = Self.maximumShards - declared.reduce(0) { $0 + Int($1) }
        return undeclared == 0 ? 0 : Int32(clamping: max(left, 0) / undeclared)
    }

    /// The region of this id.
    package func region(_ id: RegionID) -> Region? { regions.first { $0.id == id } }
}
