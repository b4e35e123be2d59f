package import Identifiers

/// The store holds money of regions that the topology does not list. Starting would silently remove
/// that money from the total.
package struct ForgottenRegions: Error, CustomStringConvertible {
    /// By name.
    package var regions: [RegionID]

    package init(regions: [RegionID]) { self.regions = regions }

    package var description: String {
        let names = regions.map(\.name).joined(separator: ", ")
        return
            "Redis still holds money of regions that topology.yaml does not list: \(names). "
            + "Restore their files with `state: retired`; you may remove them 25 hours after the "
            + "last push."
    }
}
