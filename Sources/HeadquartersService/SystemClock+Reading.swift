import Federation
import Platform

extension SystemClock {
    /// Both clocks at once.
    static func reading() -> HeadquartersClock.Reading {
        HeadquartersClock.Reading(wall: now(), uptime: uptime())
    }
}
