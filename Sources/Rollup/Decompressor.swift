internal import Gzip
internal import Zstd

/// Decompresses one input piece by piece. One owner, any thread.
struct Decompressor: ~Copyable, Sendable {
    enum Form {
        case gzip, zstd

        /// The form that an input's first bytes name; nil for an input that is in none of these.
        init?(_ first: [UInt8]) {
            if first.starts(with: Gzip.magic) {
                self = .gzip
            } else if ZstdReader.recognises(first) {
                self = .zstd
            } else {
                return nil
            }
        }
    }

    enum Failure: Error {
        case outOfMemory
        /// What is wrong with the data.
        case damage(String)
    }

    /// The most bytes that one `give` takes.
    static let inputBytes = min(GzipReader.inputBytes, ZstdReader.inputBytes)

    private let form: Form
    /// The one of the form.
    private var gzip: GzipReader?
    private var zstd: ZstdReader?

    init(_ form: Form) throws(Failure) {
        self.form = form
        do {
            switch form {
            case .gzip: gzip = try GzipReader()
            case .zstd: zstd = try ZstdReader()
            }
        } catch {
            throw .outOfMemory
        }
    }

    /// Takes the next stored bytes; none end the input. Call where `read` needs input.
    mutating func give(_ bytes: UnsafeRawBufferPointer) {
        switch form {
        case .gzip: gzip?.give(bytes)
        case .zstd: zstd?.give(bytes)
        }
    }

    /// Writes the next bytes, and returns their number: 0 at the end, nil if it needs input.
    mutating func read(into bytes: UnsafeMutableRawBufferPointer) throws(Failure) -> Int? {
        switch form {
        case .gzip: try readGzip(into: bytes)
        case .zstd: try readZstd(into: bytes)
        }
    }

    private static let truncated = Failure.damage("the compressed data ends too early")
    private static let corrupt = Failure.damage("the compressed data is damaged")

    private mutating func readGzip(
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(Failure) -> Int? {
        do throws(GzipReader.Failure) {
            return switch try gzip?.read(into: bytes) {
            case .bytes(let count): count
            case .needsInput: nil
            case .end, nil: 0
            }
        } catch .outOfMemory {
            throw .outOfMemory
        } catch .truncated {
            throw Self.truncated
        } catch {
            throw Self.corrupt
        }
    }

    private mutating func readZstd(
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(Failure) -> Int? {
        do throws(ZstdReader.Failure) {
            return switch try zstd?.read(into: bytes) {
            case .bytes(let count): count
            case .needsInput: nil
            case .end, nil: 0
            }
        } catch .outOfMemory {
            throw .outOfMemory
        } catch .truncated {
            throw Self.truncated
        } catch .windowTooLarge {
            throw .damage(
                "the compressed data needs more than \(ZstdReader.windowBytesMax >> 20) MiB of "
                    + "memory: pass it through zstd -dc --long=31")
        } catch .needsDictionary {
            throw .damage(
                "the data was compressed with a dictionary: pass it through zstd -dc -D FILE")
        } catch {
            throw Self.corrupt
        }
    }
}
