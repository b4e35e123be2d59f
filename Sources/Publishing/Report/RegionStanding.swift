package import CivilTime
package import Identifiers

/// A region's public status.
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

    /// The worst state that applies, worst first; the raw values are the public contract.
    package enum State: String, Hashable, Sendable, CaseIterable {
        /// It has never pushed.
        case missing
        /// One of its shards has not pushed for too long.
        case silent
        /// Last good values are shown while the regions refill the store.
        case recovering
        /// Some of its partitions or minutes are not known in full.
        case incomplete
        /// Its event time is too far behind the clock.
        case lagging
        case live
        /// The topology declares it retired; its money leaves the window with time.
        case retired
    }
}

/// One reason why an answer is incomplete or stale.
package struct ReportedDegradation: Hashable, Sendable {
    /// A public contract word in lower case with underscores, such as `region_silent`.
    package var reason: String
    /// Nil if the reason does not belong to a region: it then affects the whole total.
    package var region: RegionID?
    /// The omitted currencies, by code, if that is the reason.
    package var currencies: [String]

    package init(reason: String, region: RegionID? = nil, currencies: [String] = []) {
        self.reason = reason
        self.region = region
        self.currencies = currencies
    }
}
