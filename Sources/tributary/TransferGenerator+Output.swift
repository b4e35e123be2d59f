import TransferGenerator

extension TransferGenerator {
    /// Writes all events as lines.
    func write(
        to output: borrowing ByteOutput, pacer: inout EventPacer, progress: ProgressLine
    ) throws -> EventTally {
        var tally = EventTally()
        var lines: [UInt8] = []
        while let positions = pacer.take() {
            lines.removeAll(keepingCapacity: true)
            appendLines(positions, to: &lines, tally: &tally)
            try output.write(lines)
            show(tally, on: progress)
        }
        return tally
    }

    /// Shows how many of the events are written.
    func show(_ tally: EventTally, on progress: ProgressLine) {
        progress.show { seconds in
            "\(tally.total) of \(configuration.count) events  "
                + "\(Int(Double(tally.total) / max(seconds, 0.001)))/s"
        }
    }
}
