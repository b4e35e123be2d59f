import Dashboard
import Testing

@Suite struct DashboardTests {
    @Test func `Every asset is served from this site`() {
        for asset in Dashboard.assets { #expect(asset.path.hasPrefix("/assets/")) }
    }
}
