package import CivilTime
package import Topology

/// HQ's present: its own clock, but no further than a minute ahead of what the regions' clocks say.
///
/// A clock that jumps ahead can then neither empty the window nor make HQ ignore money. One that
/// is behind is not moved: money only waits.
package struct HeadquartersClock: Sendable, Hashable {
    /// How far HQ's clock is believed beyond the greatest of the regions', in milliseconds.
    package static let beliefMilliseconds: Int64 = 60_000

    /// Two readings of one moment: the clock on the wall, which somebody may set, and one that only
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

    /// By region, how far its clock is ahead of the uptime, as last heard.
    private var ahead: [RegionID: Int64] = [:]

    package init() {}

    /// Takes when a region's node sent a request by its own clock.
    package mutating func hear(_ sentAt: UnixTime, of region: RegionID, at reading: Reading) {
        ahead[region] = sentAt.milliseconds - reading.uptime
    }

    package func present(at reading: Reading) -> UnixTime {
        guard let greatest = ahead.values.max() else { return reading.wall }
        return min(
            reading.wall,
            UnixTime(milliseconds: greatest) + reading.uptime + Self.beliefMilliseconds)
    }

    /// By how much a region's clock is ahead of HQ's, in milliseconds; nil before it is heard.
    package func skew(of region: RegionID, at reading: Reading) -> Int64? {
        ahead[region].map { $0 + reading.uptime - reading.wall.milliseconds }
    }
}
