import Dashboard
import Foundation
import Testing

/// Writes every page of the sample reports into the folder `DASHBOARD_GALLERY`, for the browser
/// tests.
@Suite struct GalleryTests {
    @Test(.enabled(if: ProcessInfo.processInfo.environment["DASHBOARD_GALLERY"] != nil))
    func `the gallery is written`() throws {
        let path = try #require(ProcessInfo.processInfo.environment["DASHBOARD_GALLERY"])
        let folder = URL(fileURLWithPath: path, isDirectory: true)
        var files: [String: [UInt8]] = [:]
        for (name, report) in [
            ("whole", SampleReport.whole), ("degraded", SampleReport.degraded),
            ("large", SampleReport.large),
        ] {
            for view in Dashboard.View.allCases {
                files["\(name)-\(view.rawValue).html"] = Array(
                    Dashboard.page(report, base: SampleReport.usd, view: view).utf8)
            }
            files["\(name)-embed.html"] = Array(
                Dashboard.embed(report, base: SampleReport.usd).utf8)
            files["\(name)-badge.svg"] = Array(
                Dashboard.badge(report, base: SampleReport.usd).utf8)
        }
        files["methodology.html"] = Array(Dashboard.methodology().utf8)
        files["waiting.html"] = Array(Dashboard.waiting().utf8)
        for asset in Dashboard.assets { files[String(asset.path.dropFirst())] = asset.bytes }
        for (name, bytes) in files {
            let file = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: file)
        }
    }
}
