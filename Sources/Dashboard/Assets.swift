import Hashing

extension Dashboard {
    /// A file that the pages load.
    package struct Asset: Hashable, Sendable {
        /// Its path, such as `/assets/dashboard-0f3c….css`. It contains a hash of the content, so
        /// that caches may keep the file forever.
        package var path: String
        package var contentType: String
        package var bytes: [UInt8]

        package init(path: String, contentType: String, bytes: [UInt8]) {
            self.path = path
            self.contentType = contentType
            self.bytes = bytes
        }

        init(name: String, suffix: String, contentType: String, bytes: [UInt8]) {
            self.init(
                path: "/assets/\(name)-\(FNV1a.hash(bytes).hexadecimal).\(suffix)",
                contentType: contentType, bytes: bytes)
        }

    }

    /// Every file that the pages load; none comes from a third party.
    package static let assets = [styleSheet, script, icon]

    static let styleSheet = Asset(
        name: "dashboard", suffix: "css", contentType: "text/css; charset=utf-8",
        bytes: PackageResources.dashboard_css)
    static let script = Asset(
        name: "dashboard", suffix: "js", contentType: "text/javascript; charset=utf-8",
        bytes: PackageResources.dashboard_js)
    static let icon = Asset(
        name: "favicon", suffix: "svg", contentType: "image/svg+xml",
        bytes: PackageResources.favicon_svg)
}
