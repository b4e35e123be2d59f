/// The dead letters that Kafka has not acknowledged: their bounds, and the handling of refusals.
struct LetterBox {
    /// Bytes of letters in flight. More bytes, or more letters, hold consumption back until half
    /// are acknowledged: none is dropped. One poll can exceed this by the client's prefetched
    /// records.
    static let bytesMax = 64 << 20

    struct UnderWay {
        var letter: Letter
        var shard: FoldingShard
        /// Bytes of the value that are sent.
        var valueBytes: Int
        var isShort = false

        /// The size that counts towards the bound. The key's size is not known, so its bound
        /// counts; the short form of a letter that can be truncated is kept too.
        var bytes: Int {
            let second = valueBytes > Letter.shortBytes ? Letter.shortBytes + Letter.keyBytes : 0
            return valueBytes + Letter.keyBytes + second
        }
    }

    /// The dead-letter topic's name, for logs.
    let topic: String
    /// Maximum number of letters in flight.
    let lettersMax: Int
    private var underWay: [UInt: UnderWay] = [:]
    private var bytesUnderWay = 0
    private var lastToken: UInt = 0
    /// True if consumption must wait.
    private(set) var isFull = false
    private(set) var acknowledged = 0
    /// Letters that Kafka refused permanently. Unless the reason was their size, the node commits
    /// no further offsets of their shards, so that a restart sends them again.
    private(set) var refused = 0
    private var hasToldOfSize = false

    init(topic: String, lettersMax: Int) {
        self.topic = topic
        self.lettersMax = lettersMax
    }

    mutating func nextToken() -> UInt {
        lastToken += 1
        return lastToken
    }

    mutating func add(_ letter: UnderWay) {
        underWay[letter.letter.token] = letter
        bytesUnderWay += letter.bytes
        if underWay.count >= lettersMax || bytesUnderWay >= Self.bytesMax {
            isFull = true
        }
    }

    private mutating func remove(_ token: UInt) -> UnderWay? {
        guard let letter = underWay.removeValue(forKey: token) else { return nil }
        bytesUnderWay -= letter.bytes
        if underWay.count <= lettersMax / 2, bytesUnderWay <= Self.bytesMax / 2 {
            isFull = false
        }
        return letter
    }

    mutating func wasAcknowledged(_ token: UInt) {
        guard let letter = remove(token) else { return }
        forget(letter)
        acknowledged += 1
    }

    /// Sends a letter that was too large again, truncated; gives up any other.
    mutating func wasRefused(
        _ token: UInt, isTooLarge: Bool, problem: String, into actions: inout [RegionAction]
    ) {
        guard var letter = remove(token) else { return }
        if isTooLarge, !letter.isShort, letter.valueBytes > Letter.shortBytes {
            letter.isShort = true
            letter.valueBytes = Letter.shortBytes
            add(letter)
            return actions.append(.sendShortLetter(token))
        }
        forget(letter)
        refused += 1
        let place = letter.letter.place
        let fields = [
            "topic": topic, "partition": "\(place.partition)", "offset": "\(place.offset)",
            "error": problem,
        ]
        if isTooLarge {
            // A restart would hit the same limit, so give up this record's letter.
            if !hasToldOfSize {
                actions.append(
                    .note(Note(.error, "dead letters too large for their topic", fields)))
            }
            hasToldOfSize = true
            return
        }
        if letter.shard.refusedLetter == nil {
            actions.append(
                .note(
                    Note(
                        .error,
                        "dead letter refused: no further offsets are committed until a restart",
                        fields)))
        }
        letter.shard.refusedLetter = min(letter.shard.refusedLetter ?? place.offset, place.offset)
    }

    private func forget(_ letter: UnderWay) {
        // Kafka acknowledges roughly in order, so the search is short.
        let offset = letter.letter.place.offset
        if let index = letter.shard.unacknowledgedLetters.firstIndex(of: offset) {
            letter.shard.unacknowledgedLetters.remove(at: index)
        }
    }
}
