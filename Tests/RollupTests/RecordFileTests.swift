import Aggregation
import Foundation
import Rollup
import Testing

/// Files of real-world records in `Tests/Records`, and their sums.
@Suite struct RecordFileTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Records").path

    @Test(arguments: [
        "change-event-lifecycle", "epoch-times", "decimals", "number-spellings",
        "mark-and-line-ends", "compressed", "outbox-shapes", "flattened-rows", "state-spellings",
        "unicode-ids", "currencies", "array-and-pretty", "other-events", "tombstone-texts",
    ])
    func `a file's sums match its table`(_ name: String) async throws {
        let expected = try String(contentsOfFile: "\(Self.folder)/\(name).csv", encoding: .utf8)
        for threads in [1, 2] {
            let file = RollupInput.file(path: "\(Self.folder)/\(name).ndjson")
            let result = try Rollup(inputs: [file], threads: threads).run()
            let text = String(decoding: RollupFormat.csv.render(result.rows), as: UTF8.self)
            #expect(text == expected)
        }
        let answer = try await RollupCommandTests.shell(
            "$T rollup \(Self.folder)/\(name).ndjson --format csv")
        #expect(answer.out == expected)
        #expect(answer.status == (name == "array-and-pretty" ? 1 : 0))
    }

    @Test func `control and rejected lines are counted as such`() throws {
        func counters(_ name: String) throws -> RollupCounters {
            let file = RollupInput.file(path: "\(Self.folder)/\(name).ndjson")
            return try Rollup(inputs: [file], threads: 1).run().counters
        }
        let tombstones = try counters("tombstone-texts")
        #expect(tombstones.control == 4)
        #expect(tombstones.rejectedTotal == 0)
        #expect(try counters("other-events").control == 5)
        #expect(try counters("flattened-rows").control == 3)
        #expect(try counters("state-spellings").rejectedTotal == 0)
        let lifecycle = try counters("change-event-lifecycle")
        #expect(lifecycle.duplicate == 2)
        #expect(lifecycle.conflicts == 0)
        #expect(try counters("mark-and-line-ends").consumed == 3)
    }

    @Test func `a compressed file is read like its content`() async throws {
        let expected = try String(contentsOfFile: "\(Self.folder)/compressed.csv", encoding: .utf8)
        let file = "\(Self.folder)/compressed.ndjson.gz"
        let zstd = "\(Self.folder)/compressed.ndjson.zst"
        for line in [
            "$T rollup \(file)", "$T rollup < \(file)", "cat \(file) | $T rollup -",
            "cp \(file) $D/plain.ndjson; $T rollup $D/plain.ndjson",
            "(head -c 1 \(file); sleep 0.1; tail -c +2 \(file)) | $T rollup",
            // The members of two files concatenated, as cat does.
            "cat \(file) \(file) | $T rollup",
            "$T rollup \(zstd)", "cat \(zstd) | $T rollup -", "cat \(zstd) \(zstd) | $T rollup",
            "(head -c 5 \(zstd); sleep 0.1; tail -c +6 \(zstd)) | $T rollup",
        ] {
            let answer = try await RollupCommandTests.shell(
                "D=$(mktemp -d); trap 'rm -r $D' EXIT; \(line)")
            #expect(answer.out == expected, "\(line): \(answer.err)")
            #expect(answer.status == 0)
        }
    }

    @Test func `generated records sum to the same, compressed or not`() async throws {
        let answer = try await RollupCommandTests.shell(
            """
            exec 2>/dev/null
            D=$(mktemp -d); trap 'rm -r $D' EXIT
            $T generate 60000 --seed 5 --malformed 1% --out $D/plain
            head -c 3000000 $D/plain > $D/a; tail -c +3000001 $D/plain > $D/b
            gzip -c $D/plain > $D/one.gz
            (gzip -1 -c $D/a; gzip -9 -c $D/b; head -c 512 /dev/zero) > $D/two
            zstd -q --long=27 -c $D/plain > $D/three
            # A frame to skip, frames of several levels, and one that was written without its size.
            printf 'P*M\\x18\\x03\\0\\0\\0abc' > $D/four
            (zstd -q -1 -c $D/a; zstd -q -12 -c < $D/b) >> $D/four
            for file in plain one.gz two three four; do
                $T rollup $D/$file | sha256sum
            done | uniq | wc -l
            """)
        #expect(answer.status == 0)
        #expect(answer.out.trimmingCharacters(in: .whitespacesAndNewlines) == "1")
    }

    @Test(arguments: [
        ("head -c -4 $F.gz", "the compressed data ends too early"),
        ("head -c 20 $F.gz", "the compressed data ends too early"),
        ("(head -c 40 $F.gz; echo xx; tail -c +41 $F.gz)", "the compressed data is damaged"),
        ("(cat $F.gz; echo x)", "the compressed data is damaged"),
        ("head -c -1 $F.zst", "the compressed data ends too early"),
        ("head -c 5 $F.zst", "the compressed data ends too early"),
        ("(head -c 40 $F.zst; echo xx; tail -c +41 $F.zst)", "the compressed data is damaged"),
        ("(head -c -4 $F.zst; echo xyz)", "the compressed data is damaged"),
        ("(cat $F.zst; echo xyzzy)", "the compressed data is damaged"),
        (
            "head -c 1000000 /dev/zero | zstd -q --long=28 -c",
            "the compressed data needs more than 128 MiB of memory: pass it through"
                + " zstd -dc --long=31"
        ),
        (
            // A frame that names dictionary 7.
            #"printf '\x28\xb5\x2f\xfd\x21\x07\x01\x09\x00\x00x'"#,
            "the data was compressed with a dictionary: pass it through zstd -dc -D FILE"
        ),
    ])
    func `compressed data that is not whole or not readable is an error`(
        _ source: String, _ message: String
    ) async throws {
        let answer = try await RollupCommandTests.shell(
            "F=\(Self.folder)/compressed.ndjson; \(source) | $T rollup")
        #expect(answer.status == 1)
        #expect(answer.out == "")
        #expect(answer.err == "Error: standard input: \(message)\n")
    }
}
