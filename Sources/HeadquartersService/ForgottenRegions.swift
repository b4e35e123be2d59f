package import Topology

/// The topology has no file for regions whose money stands in the store: it would be gone from the
/// total at once, and nobody would be told.
package struct ForgottenRegions: Error, CustomStringConvertible {
    /// By name.
    package var regions: [RegionID]

    package init(regions: [RegionID]) { self.regions = regions }

    package var description: String {
        let names = regions.map(\.name).joined(separator: ", ")
        return
            "the store still holds money of regions that the topology has no file for: \(names). "
            + "Put the files back with `state: retired`; they may go 25 hours after the last push."
    }
}
