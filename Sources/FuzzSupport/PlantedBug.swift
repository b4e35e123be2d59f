internal import Glibc

/// A mistake of the kind that AddressSanitizer is there for, to prove that the fuzzer reaches deep
/// places and sees what goes wrong in them.
package enum PlantedBug {
    /// Whether this run plants it.
    package static let isPlanted = getenv("TRIBUTARY_FUZZ_PLANT") != nil

    /// Prints a message, and reads one byte past a private copy of `input`.
    @inline(never)
    package static func readPastTheEnd(of input: UnsafeRawBufferPointer) {
        let message: StaticString = "reached the planted bug\n"
        write(STDERR_FILENO, message.utf8Start, message.utf8CodeUnitCount)
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: input.count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyMemory(from: input)
        exit(CInt(copy.baseAddress?.load(fromByteOffset: input.count, as: UInt8.self) ?? 0))
    }
}
