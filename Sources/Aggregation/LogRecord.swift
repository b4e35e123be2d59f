/// One record of a partition, as the log holds it. The bytes belong to the caller and live as long
/// as the call that takes them.
@unsafe
public struct LogRecord {
    /// What `timestamp` holds where the record has none.
    package static let noTimestamp = Int64.min

    /// Its place in the partition; at least 0.
    public var offset: Int64
    /// Milliseconds since 1970, or `noTimestamp`.
    public var timestamp: Int64
    /// The value's bytes; nil for a tombstone.
    public var value: UnsafeRawBufferPointer?

    @inlinable
    package init(offset: Int64, timestamp: Int64, value: UnsafeRawBufferPointer?) {
        unsafe self.offset = offset
        unsafe self.timestamp = timestamp
        unsafe self.value = value
    }
}
