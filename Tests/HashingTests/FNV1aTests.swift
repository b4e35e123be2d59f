import Hashing
import Testing

@Suite struct FNV1aTests {
    /// From the reference test suite of the hash's authors.
    @Test func `published values come out`() {
        #expect(FNV1a.hash("".utf8).hexadecimal == "cbf29ce484222325")
        #expect(FNV1a.hash("a".utf8).hexadecimal == "af63dc4c8601ec8c")
        #expect(FNV1a.hash("foobar".utf8).hexadecimal == "85944171f73967e8")
    }

    @Test func `a hash can be continued`() {
        var hash = FNV1a(continuing: FNV1a.hash("foo".utf8).value)
        hash.add("bar".utf8)
        #expect(hash == .hash("foobar".utf8))
    }

    @Test func `leading zeros are kept`() {
        #expect(FNV1a(continuing: 0xA1).hexadecimal == "00000000000000a1")
    }
}
