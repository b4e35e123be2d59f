import CivilTime
import Federation
import Foundation
import Identifiers
import RedisStore
import TransferGenerator

/// The demo's live line: total, rate, and each region's lag or state. Rewritten in place on a
/// terminal, otherwise printed every ten seconds.
actor DemoLine {
    private let api: DemoAPI
    private let store: RedisStore
    private let traffic: [DemoTraffic]
    private let regions: [RegionID]
    private let isTerminal = isatty(STDOUT_FILENO) == 1
    private var position: StorePosition?
    private var lastTotal = 0
    private var lastTime: UnixTime?
    private var lines = 0

    init(api: DemoAPI, store: RedisStore, traffic: [DemoTraffic], regions: [RegionID]) {
        self.api = api
        self.store = store
        self.traffic = traffic
        self.regions = regions
    }

    func show(phase: String) async {
        let now = Demo.now()
        let total = await api.total()
        let standings = await standings()
        let produced = traffic.reduce(0) { $0 + $1.tally.total }
        var rate = 0
        if let lastTime, now > lastTime {
            rate =
                (produced - lastTotal) * 1_000
                / Int(now.milliseconds - lastTime.milliseconds)
        }
        (lastTotal, lastTime) = (produced, now)
        let states = regions.map { region -> String in
            let own = standings.filter { $0.key.region == region }.values
            guard let seen = own.map({ $0.observedThrough ?? UnixTime(milliseconds: 0) }).min(),
                let heard = own.map(\.receivedAt).max()
            else { return "\(region) starting" }
            if heard + 10_000 < now { return "\(region) silent" }
            let lag = max(0, now.milliseconds - seen.milliseconds)
            return lag > 30_000
                ? "\(region) catching up" : "\(region) \(lag / 1_000).\(lag % 1_000 / 100) s"
        }
        let amount = total.map { "\($0.text) USD\($0.isDegraded ? " (degraded)" : "")" }
        let text =
            "\(phase)  \(amount ?? "no total yet")  \(rate)/s  \(produced) produced  lag: "
            + states.joined(separator: ", ")
        write(text)
    }

    private func standings() async -> [ShardID: ShardStanding] {
        guard let refresh = try? await store.refresh(since: position, regions: regions) else {
            return [:]
        }
        position = refresh.position
        return refresh.standings
    }

    private func write(_ text: String) {
        defer { lines += 1 }
        if isTerminal {
            print("\r\u{1B}[K\(text)", terminator: "")
        } else if lines % 10 == 0 {
            print(text)
        }
        fflush(nil)
    }

    /// Ends the line, so that other output starts on a new one.
    func end() {
        if isTerminal { print("") }
    }
}
