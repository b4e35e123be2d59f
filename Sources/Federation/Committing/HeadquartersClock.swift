package import CivilTime
package import Identifiers

/// HQ's present: its own clock, but at most a minute ahead of the latest of the regions' clocks.
///
/// A clock that jumps ahead can thus neither empty the window nor make HQ ignore money. A clock
/// that is behind is not corrected: money only waits.
package struct HeadquartersClock: Sendable, Hashable {
    /// How far HQ's clock is trusted beyond the latest of the regions' clocks, in milliseconds.
    package static let beliefMilliseconds: Int64 = 60_000
    /// A difference between a region's clock and HQ's that degrades the answer, in milliseconds.
    /// Clocks under NTP differ by milliseconds; a minute moves money between buckets.
    package static let skewMilliseconds: UInt64 = 60_000

    /// Two readings at one moment: the wall clock, which an operator may set, and a clock that only
    /// counts on.
    package struct Reading: Sendable, Hashable {
        package var wall: UnixTime
        /// Milliseconds since any fixed moment.
        package var uptime: Int64

        package init(wall: UnixTime, uptime: Int64) {
            self.wall = wall
            self.uptime = uptime
        }
    }

    /// A time smaller than the last one heard is accepted once that one is this old, in
    /// milliseconds: until then it may come from a delayed request.
    package static let delayMilliseconds: Int64 = 30_000

    private struct Heard: Sendable, Hashable {
        /// How far the region's clock is ahead of the uptime, in milliseconds.
        var ahead: Int64
        var uptime: Int64
    }

    private var heard: [RegionID: Heard] = [:]

    package init() {}

    /// Records when a region's node sent a request by its own clock.
    package mutating func hear(_ sentAt: UnixTime, of region: RegionID, at reading: Reading) {
        let ahead = sentAt.milliseconds - reading.uptime
        if let last = heard[region], ahead < last.ahead,
            reading.uptime < last.uptime + Self.delayMilliseconds
        {
            return
        }
        heard[region] = Heard(ahead: ahead, uptime: reading.uptime)
    }

    package func present(at reading: Reading) -> UnixTime {
        guard let greatest = heard.values.map(\.ahead).max() else { return reading.wall }
        return min(
            reading.wall,
            UnixTime(milliseconds: greatest) + reading.uptime + Self.beliefMilliseconds)
    }

    /// The recently heard regions whose clocks differ from HQ's by more than `skewMilliseconds`. A
    /// region that now reports to another HQ of the store may have been corrected.
    package func skewed(at reading: Reading) -> Set<RegionID> {
        let own = reading.wall.milliseconds - reading.uptime
        return Set(
            heard.filter { _, last in
                (last.ahead - own).magnitude > Self.skewMilliseconds
                    && reading.uptime < last.uptime + 2 * Self.delayMilliseconds
            }.keys)
    }
}
