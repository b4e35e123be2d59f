import Aggregation
import DeltaProtocol
import Glibc

/// Folds the lines of a file as one partition's records and prints what a record costs.
enum FoldBenchmark {
    static func run(path: String) {
        guard let file = fopen(path, "rb") else { return print("cannot open \(path)") }
        fseek(file, 0, SEEK_END)
        let size = ftell(file)
        rewind(file)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        guard fread(bytes.baseAddress, 1, size, file) == size else { return }
        fclose(file)
        var records: [LogRecord] = []
        var start = 0
        while start < size {
            guard let end = memchr(bytes.baseAddress! + start, 0x0A, size - start) else { break }
            let length = end - UnsafeMutableRawPointer(bytes.baseAddress! + start)
            records.append(
                LogRecord(
                    offset: Int64(records.count),
                    timestamp: 0,
                    value: UnsafeRawBufferPointer(
                        rebasing: UnsafeRawBufferPointer(bytes)[start..<start + length])))
            start += length + 1
        }
        // A broker would have stamped each as it came: the file's lines spread over one day.
        for index in records.indices {
            records[index].timestamp =
                1_774_396_800_000 + 2_000 + Int64(index) * 86_400_000 / Int64(records.count)
        }
        var fold = ShardFold(settings: FoldSettings(idKey: IDKey(low: 1, high: 2)))
        var diversions: [Diversion] = []
        let begin = clock()
        records.withUnsafeBufferPointer { all in
            var at = 0
            while at < all.count {
                let end = min(at + 4_096, all.count)
                fold.fold(UnsafeBufferPointer(rebasing: all[at..<end]), into: &diversions)
                at = end
            }
        }
        let seconds = Double(clock() - begin) / Double(CLOCKS_PER_SEC)
        print(
            "fold: \(records.count) records, \(seconds) s,",
            "\(Int(seconds * 1e9) / max(records.count, 1)) ns a record,",
            fold.counters.summary)
    }
}
