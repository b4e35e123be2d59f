#if FUZZING
    /// libFuzzer calls this with each input.
    @_cdecl("LLVMFuzzerTestOneInput")
    public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        DeltaCodecTarget.check(
            UnsafeRawBufferPointer(start: bytes, count: count), plant: PlantedBug.isPlanted)
        return 0
    }
#else
    import FoundationEssentials
    import FuzzSupport

    /// Checks the inputs in the given files like the fuzzer, so that earlier findings stay fixed.
    @main struct Main {
        static func main() throws {
            for path in CommandLine.arguments.dropFirst() {
                let input = try Array(Data(contentsOf: URL(filePath: path)))
                input.withUnsafeBytes { DeltaCodecTarget.check($0, plant: PlantedBug.isPlanted) }
                print("passed \(path)")
            }
        }
    }
#endif
