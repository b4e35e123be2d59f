import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import Topology

/// Writes a checkpoint's payload: whole numbers in base 128, least digits first, signed ones
/// zigzagged; texts with their length before them.
struct CheckpointWriter {
    private var bytes: [UInt8]
    /// Currencies by index in the payload's own table, because codes are stable and indices are
    /// not.
    private var places: [UInt64]

    static func write(_ checkpoint: PublicationCheckpoint, to bytes: inout [UInt8]) {
        var writer = CheckpointWriter(bytes: [])
        swap(&writer.bytes, &bytes)
        writer.write(checkpoint)
        swap(&writer.bytes, &bytes)
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
        places = Array(repeating: 0, count: Currency.count)
    }

    private mutating func write(_ checkpoint: PublicationCheckpoint) {
        signed(checkpoint.takenAt.milliseconds)
        text(checkpoint.position.storeID)
        signed(checkpoint.position.version)
        signed(Int64(checkpoint.currentMinute.number))
        signed(checkpoint.dataAsOf.milliseconds)
        signed(checkpoint.greatestObservedThrough.milliseconds)
        currencies(of: checkpoint)
        unsigned(UInt64(checkpoint.regions.count))
        for region in checkpoint.regions { write(region) }
    }

    private mutating func currencies(of checkpoint: PublicationCheckpoint) {
        var isNamed = [Bool](repeating: false, count: Currency.count)
        for region in checkpoint.regions {
            for minute in region.minutes {
                for entry in minute.values { isNamed[Int(entry.currency.index)] = true }
            }
        }
        let named = Currency.all.filter { isNamed[Int($0.index)] }
        unsigned(UInt64(named.count))
        for (place, currency) in named.enumerated() {
            bytes += currency.letters
            places[Int(currency.index)] = UInt64(place)
        }
    }

    private mutating func write(_ region: PublicationCheckpoint.RegionState) {
        text(region.region.name)
        optional(region.observedThrough?.milliseconds)
        optional(region.recoveringSince.map { Int64($0.number) })
        unsigned(UInt64(region.partitionCounts.count))
        for log in region.partitionCounts {
            text(log.log.name)
            signed(Int64(log.count))
        }
        unsigned(UInt64(region.marks.count))
        for mark in region.marks {
            text(mark.log.name)
            signed(Int64(mark.partition))
            signed(mark.watermark)
            signed(Int64(mark.completeFrom.number))
        }
        unsigned(UInt64(region.minutes.count))
        var previous: Int64 = 0
        for minute in region.minutes {
            signed(Int64(minute.minute.number) - previous)
            previous = Int64(minute.minute.number)
            unsigned(UInt64(minute.values.count))
            for entry in minute.values { write(entry) }
        }
    }

    /// Corrections are rare: the lowest bit of the currency's index flags one.
    private mutating func write(_ entry: RegionMinute.CurrencyValue) {
        let isCorrected = entry.value.correction != 0
        unsigned(places[Int(entry.currency.index)] << 1 | (isCorrected ? 1 : 0))
        signed(entry.value.settled)
        signed(entry.value.transfers)
        if isCorrected { signed(entry.value.correction) }
    }

    private mutating func optional(_ value: Int64?) {
        bytes.append(value == nil ? 0 : 1)
        if let value { signed(value) }
    }

    private mutating func text(_ text: String) {
        unsigned(UInt64(text.utf8.count))
        bytes += text.utf8
    }

    private mutating func signed(_ value: Int64) {
        unsigned(UInt64(bitPattern: value << 1 ^ value >> 63))
    }

    private mutating func unsigned(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}
