internal import CCurl

/// Collects an answer from libcurl's callbacks, within limits. Belongs to one conversation, and so
/// to the thread on which the callbacks run.
final class ResponseSink {
    /// Bytes of header lines, including informational answers; few servers send over 2 KiB.
    private static let maximumHeaderBytes = 64 << 10
    /// The most characters of a validator.
    private static let maximumValidatorBytes = 256

    private let maximumBodyBytes: Int
    private(set) var body: [UInt8] = []
    private var headerBytes = 0
    /// Whether the answer was cut because it was too large.
    private(set) var isOverflown = false
    /// Whether the headers say where the body ends. Otherwise a cut body looks complete.
    private(set) var isDelimited = false
    /// The last values of ETag and Last-Modified that are safe to send back.
    private(set) var entityTag: String?
    private(set) var lastModified: String?
    /// The last value of Content-Encoding.
    private(set) var contentCoding: String?
    let stop: StopSignal

    init(maximumBodyBytes: Int, stop: StopSignal) {
        self.maximumBodyBytes = maximumBodyBytes
        self.stop = stop
    }

    /// Call it before each exchange.
    func clear() {
        body = []
        headerBytes = 0
        isOverflown = false
        isDelimited = false
        (entityTag, lastModified, contentCoding) = (nil, nil, nil)
    }

    fileprivate func receive(body bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= maximumBodyBytes - body.count else {
            isOverflown = true
            return false
        }
        body.append(contentsOf: bytes)
        return true
    }

    fileprivate func receive(header bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= Self.maximumHeaderBytes - headerBytes else {
            isOverflown = true
            return false
        }
        headerBytes += bytes.count
        let name = bytes.prefix { $0 != UInt8(ascii: ":") }
        switch String(decoding: name.map { $0 | 0x20 }, as: UTF8.self) {
        case "content-length", "transfer-encoding": isDelimited = true
        case "etag": entityTag = Self.validator(bytes[name.endIndex...])
        case "last-modified": lastModified = Self.validator(bytes[name.endIndex...])
        case "content-encoding": contentCoding = Self.validator(bytes[name.endIndex...])
        default: break
        }
        return true
    }

    /// The text after the colon, if it is safe to send back: a control character could end our own
    /// header line.
    private static func validator(_ bytes: Slice<UnsafeRawBufferPointer>) -> String? {
        let isSpace: (UInt8) -> Bool = { [0x09, 0x0A, 0x0D, 0x20].contains($0) }
        var value = bytes.dropFirst().drop(while: isSpace)
        while let last = value.last, isSpace(last) { value.removeLast() }
        guard (1...maximumValidatorBytes).contains(value.count),
            value.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return nil }
        return String(decoding: value, as: UTF8.self)
    }

    /// Connects `handle` to this sink, which must outlive it.
    func attach(to handle: UnsafeMutableRawPointer) -> Bool {
        let context = Unmanaged.passUnretained(self).toOpaque()
        let codes = [
            tributary_curl_set_data_function(handle, CURLOPT_WRITEFUNCTION, receiveBody),
            tributary_curl_set_pointer(handle, CURLOPT_WRITEDATA, context),
            tributary_curl_set_data_function(handle, CURLOPT_HEADERFUNCTION, receiveHeader),
            tributary_curl_set_pointer(handle, CURLOPT_HEADERDATA, context),
            tributary_curl_set_progress_function(handle, reportProgress),
            tributary_curl_set_pointer(handle, CURLOPT_XFERINFODATA, context),
            tributary_curl_set_long(handle, CURLOPT_NOPROGRESS, 0),
        ]
        return codes.allSatisfy { $0 == CURLE_OK }
    }
}

/// CURLOPT_WRITEFUNCTION: returning anything but the number of bytes ends the exchange.
private func receiveBody(
    _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    let sink = Unmanaged<ResponseSink>.fromOpaque(context).takeUnretainedValue()
    let bytes = UnsafeRawBufferPointer(start: data, count: size * count)
    return sink.receive(body: bytes) ? bytes.count : 0
}

/// CURLOPT_HEADERFUNCTION: called with one complete line at a time, including the status line.
private func receiveHeader(
    _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    let sink = Unmanaged<ResponseSink>.fromOpaque(context).takeUnretainedValue()
    let bytes = UnsafeRawBufferPointer(start: data, count: size * count)
    return sink.receive(header: bytes) ? bytes.count : 0
}

/// CURLOPT_XFERINFOFUNCTION: called about once a second even without traffic; a result other than 0
/// ends the exchange.
private func reportProgress(
    _ context: UnsafeMutableRawPointer?, _: curl_off_t, _: curl_off_t, _: curl_off_t, _: curl_off_t
) -> Int32 {
    guard let context else { return 1 }
    return Unmanaged<ResponseSink>.fromOpaque(context).takeUnretainedValue().stop.isStopped ? 1 : 0
}
