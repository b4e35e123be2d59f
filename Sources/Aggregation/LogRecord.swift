/// One record of a partition, as read from the log. The caller owns the bytes; they are valid only
/// during the call that takes the record.
@unsafe
public struct LogRecord {
    /// The value of `timestamp` for a record without one.
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
