extension Dashboard {
    /// A file served beside the pages.
    package struct Asset: Hashable, Sendable {
        /// Its path, such as `/assets/dashboard-0f3c….css`. It names the content, so that whoever
        /// has it may keep it for ever.
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
                path: "/assets/\(name)-\(Self.hash(bytes)).\(suffix)",
                contentType: contentType, bytes: bytes)
        }

        /// The 64-bit FNV-1a hash in hexadecimal digits: tells one release's file from the next.
        private static func hash(_ bytes: [UInt8]) -> String {
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            let digits = String(hash, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
    }

    /// Every file that the pages refer to, none of them a third party's.
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
