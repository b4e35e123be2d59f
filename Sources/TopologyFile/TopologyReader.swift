import Addresses
import Money
import Topology

/// Reads the keys of a topology file, except regions.
struct TopologyReader {
    let document: Document

    /// The path of a region file, and the topology file's key for it.
    typealias RegionPath = (key: String, value: String)

    /// The topology without its regions, and the paths of their files. If values could not be read,
    /// the topology contains placeholders for them, and only its other parts can be validated.
    func read(_ fields: Fields) -> (topology: Topology, regions: [RegionPath]) {
        let currencies = fields.requiredList(
            "currencies", of: ScalarText.currencyRule, ScalarText.currency)
        let unconverted =
            fields.optionalList("unconverted", of: ScalarText.currencyRule, ScalarText.currency)
            ?? []
        let bases =
            fields.optionalList("base_currencies", of: ScalarText.currencyRule, ScalarText.currency)
            ?? currencies.filter { !unconverted.contains($0) }
        let defaultBase = fields.optional(
            "default_base_currency", expected: ScalarText.currencyRule, ScalarText.currency)
        let headquarters = fields.requiredList("hq", of: "a URL such as https://host:port") {
            ServiceURL($0)
        }
        let listeners = fields.optionalMapping("listeners").map(listeners) ?? Listeners()
        let redis = redis(fields)
        let rates = fields.optionalMapping("fx").flatMap {
            RatesSourceReader(resolve: resolve).read($0)
        }
        let thresholds = fields.optionalMapping("thresholds").map(thresholds) ?? Thresholds()
        let pace = fields.optionalMapping("pace").map(pace) ?? PublishingPace()
        let idKeyFile = fields.required(
            "id_key_file", expected: "the path of a file", ScalarText.nonEmpty)
        let generation: UInt32? = fields.optional(
            "generation", expected: "an integer of at least 1", ScalarText.integer)
        let regions = fields.requiredKeyedList(
            "regions", of: ScalarText.nestedPathRule, ScalarText.nestedPath)
        fields.finish()

        let topology = Topology(
            regions: [], currencies: currencies, unconverted: unconverted, baseCurrencies: bases,
            defaultBase: defaultBase ?? bases.first ?? Currency(uncheckedIndex: 0),
            headquarters: headquarters, listeners: listeners, redis: redis, rates: rates,
            thresholds: thresholds, pace: pace, idKeyFile: idKeyFile.map(resolve) ?? "",
            generation: generation ?? 1)
        return (topology, regions)
    }

    private func resolve(_ path: String) -> String {
        TextFile.resolve(path, beside: document.file)
    }

    private func listeners(_ fields: Fields) -> Listeners {
        var listeners = Listeners()
        func read(_ key: String, into listener: inout HostPort) {
            let address = fields.optional(key, expected: "host:port, such as 127.0.0.1:8080") {
                HostPort($0)
            }
            if let address { listener = address }
        }
        read("public", into: &listeners.publicAPI)
        read("ingest", into: &listeners.ingest)
        read("admin", into: &listeners.admin)
        listeners.publicURL = fields.optional(
            "public_url", expected: "the site's address, such as https://pay.example"
        ) { ServiceURL($0) }
        fields.finish()
        return listeners
    }

    private func redis(_ fields: Fields) -> RedisAddress {
        let redis = fields.requiredMapping("redis", expected: "a mapping with the key address")
        let address = redis?.required("address", expected: "host:port or unix:/path") {
            RedisAddress($0)
        }
        redis?.finish()
        return address ?? .unixSocket("/")
    }

    private func readDuration(_ fields: Fields, _ key: String, into setting: inout Duration) {
        let duration = fields.optional(
            key, expected: ScalarText.durationRule, ScalarText.duration)
        if let duration { setting = duration }
    }

    private func pace(_ fields: Fields) -> PublishingPace {
        var pace = PublishingPace()
        readDuration(fields, "refresh_min", into: &pace.refreshMin)
        readDuration(fields, "refresh_max", into: &pace.refreshMax)
        readDuration(fields, "event_min", into: &pace.eventMin)
        fields.finish()
        return pace
    }

    private func thresholds(_ fields: Fields) -> Thresholds {
        var thresholds = Thresholds()
        readDuration(fields, "heartbeat", into: &thresholds.heartbeat)
        readDuration(fields, "silent_after", into: &thresholds.silentAfter)
        readDuration(fields, "degraded_lag", into: &thresholds.degradedLag)
        readDuration(fields, "alert_lag", into: &thresholds.alertLag)
        let rule = "an integer from 1 to \(Thresholds.maximumMinimumTransfers)"
        let transfers: Int? = fields.optional(
            "minimum_transfers", expected: rule, ScalarText.integer)
        if let transfers { thresholds.minimumTransfers = transfers }
        fields.finish()
        return thresholds
    }
}
