import Addresses
import Testing

@Suite struct AddressTests {
    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1", 8080), ("localhost:1", "localhost", 1),
        ("hq-1.example_net:65535", "hq-1.example_net", 65535), ("[::1]:80", "::1", 80),
        ("[2001:DB8::2]:443", "2001:DB8::2", 443), ("[::]:80", "::", 80),
        ("[1:2:3:4:5:6:7:8]:80", "1:2:3:4:5:6:7:8", 80), ("[1::]:80", "1::", 80),
        ("[::ffff:10.0.0.1]:80", "::ffff:10.0.0.1", 80), ("0.0.0.0:80", "0.0.0.0", 80),
        ("255.255.255.255:80", "255.255.255.255", 80), ("a.example.:80", "a.example.", 80),
        ("3com.example:80", "3com.example", 80), ("10.0.0.a:80", "10.0.0.a", 80),
    ])
    func `hosts and ports are printed as they are read`(text: String, host: String, port: Int) {
        #expect(HostPort(text) == HostPort(host: host, port: port))
        #expect(HostPort(host: host, port: port).description == text)
    }

    @Test(arguments: [
        "", ":", "host", "host:", ":80", "host:0", "host:65536", "host:080", "host:+80", "host:8 0",
        "host:80 ", " host:80", "ho st:80", "::1:80", "[]:80", "[host]:80", "[::1]80", "host:80:81",
        "höst:80", "host/path:80", "user@host:80", "host:123456", "host:\u{0665}",
        String(repeating: "a", count: 254) + ":80", String(repeating: "a", count: 64) + ":80",
        "22:22", "10.9:80", "1.2.3:80", "1.2.3.4.5:80", "127.0.0.256:80", "127.0.0.01:80",
        "host.22:80", "0x7f000001:80", "a.0x1:80", "a..b:80", ".a:80", ".:80", "..:80",
        "1.2.3.4.:80",
        "[:]:80", "[:::]:80", "[1:2]:80", "[1:2:3:4:5:6:7:8:9]:80", "[1:2:3:4:5:6:7::8]:80",
        "[1::2::3]:80", "[12345::]:80", "[1:::2]:80", "[10.0.0.1::]:80", "[::10.0.0.256]:80",
    ])
    func `anything else is not an address`(text: String) {
        #expect(HostPort(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.255.0.9", true), ("localhost", true), ("::1", true),
        ("0.0.0.0", false), ("10.0.0.1", false), ("127.0.0.1.example.net", false),
        ("127.example.net", false), ("127.0.0", false), ("127.0.0.256", false), ("127.0.0.", false),
        ("127.0.0.+1", false), ("127.0.0.01", false), ("::", false), ("example.net", false),
    ])
    func `loopback is recognised by its text`(host: String, isLoopback: Bool) {
        #expect(HostPort(host: host, port: 80).isLoopback == isLoopback)
    }

    @Test(arguments: [
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("https://hq.example.net", "https://hq.example.net:443"),
        ("http://hq.example.net/", "http://hq.example.net:80"),
        ("https://[::1]:8443/", "https://[::1]:8443"), ("https://[::1]", "https://[::1]:443"),
    ])
    func `service URLs are read with the scheme's port`(text: String, whole: String) {
        #expect(ServiceURL(text)?.description == whole)
    }

    @Test(arguments: [
        "", "hq:80", "ftp://hq:80", "HTTP://hq", "http://", "http:///", "http://hq:0",
        "http://hq/path", "http://user:secret@hq", "http://hq?x", "http://hq#x", "http://hq//",
        "http:/hq", "https://hq:80:80", "http://h q",
    ])
    func `anything else is not a service URL`(text: String) {
        #expect(ServiceURL(text) == nil)
    }

    @Test func `a Redis address is TCP or a socket`() {
        #expect(
            RedisAddress("127.0.0.1:6379") == .tcp(HostPort(host: "127.0.0.1", port: 6379)))
        #expect(RedisAddress("unix:/run/redis.sock") == .unixSocket("/run/redis.sock"))
        #expect(RedisAddress.unixSocket("/run/redis.sock").description == "unix:/run/redis.sock")
        #expect(RedisAddress("unix:relative") == nil)
        #expect(RedisAddress("unix:") == nil)
        #expect(RedisAddress("unix:/" + String(repeating: "a", count: 106)) != nil)
        #expect(RedisAddress("unix:/" + String(repeating: "a", count: 107)) == nil)
        #expect(RedisAddress("redis://127.0.0.1:6379") == nil)
    }

    @Test(arguments: [
        ("https://pay.example", "https://pay.example"),
        ("https://pay.example:443/", "https://pay.example"),
        ("https://pay.example:8443", "https://pay.example:8443"),
        ("http://pay.example:80", "http://pay.example"),
        ("http://pay.example:443", "http://pay.example:443"),
    ])
    func `an origin has the form that browsers use`(text: String, origin: String) {
        #expect(ServiceURL(text)?.origin == origin)
    }
}
