package import CivilTime
package import Topology

/// How a region stands, as far as the public needs to know.
package struct RegionStanding: Hashable, Sendable {
    package var region: RegionID
    package var state: State
    /// The time up to which all the region's partitions have been seen; nil before the first push.
    package var observedThrough: UnixTime?

    package init(region: RegionID, state: State, observedThrough: UnixTime?) {
        self.region = region
        self.state = state
        self.observedThrough = observedThrough
    }

    /// The worst that holds, worst first; the raw values are the public contract.
    package enum State: String, Hashable, Sendable, CaseIterable {
        /// It has never pushed.
        case missing
        /// A shard of it has not pushed for too long.
        case silent
        /// Last good values are shown while the store is filled again.
        case recovering
        /// Some of its partitions or minutes are not known in full.
        case incomplete
        /// Its event time is too far behind the clock.
        case lagging
        case live
        /// It is not read any more; its money slides out of the window.
        case retired
    }
}

/// One reason why an answer is less than it should be.
package struct ReportedDegradation: Hashable, Sendable {
    /// A word of the public contract in lower case with underscores, such as `region_silent`.
    package var reason: String
    /// Nil where the reason is not a region's: it then touches the whole total.
    package var region: RegionID?
    /// The currencies that are left out, by code, where that is the reason.
    package var currencies: [String]

    package init(reason: String, region: RegionID? = nil, currencies: [String] = []) {
        self.reason = reason
        self.region = region
        self.currencies = currencies
    }
}
