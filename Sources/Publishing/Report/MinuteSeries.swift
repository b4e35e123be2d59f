import CivilTime
import DeltaProtocol

/// The money moved in each minute of the window, converted to every base. Each tick converts only
/// the minutes that changed or entered the window.
struct MinuteSeries {
    /// The figure of one minute.
    enum Figure {
        /// Nothing moved, as far as is known.
        case quiet
        /// By base; nil if the figure must not be shown or the base has no rate.
        case moved([Int128?])
    }

    /// By base, then by minute in ascending order; nil if the minute is not known or not shown.
    private(set) var values: [[Int128?]]
    /// The number of minutes converted so far.
    private(set) var minutesConverted = 0

    private var isQuiet = [Bool](repeating: true, count: Limits.windowMinutes)
    private var window: ClosedRange<Minute>?
    private var known: ClosedRange<Minute>?

    init(bases: Int) {
        values = Array(
            repeating: Array(repeating: nil, count: Limits.windowMinutes), count: bases)
    }

    /// Updates the series.
    /// - Parameters:
    ///   - current: the window's last minute.
    ///   - known: the minutes for which a missing figure means zero.
    ///   - changed: minutes with new figures, inside the window or not; nil for all.
    mutating func update(
        current: Minute, known: ClosedRange<Minute>?, changed: [Minute]?,
        figure: (Minute) -> Figure
    ) {
        let next = current.advanced(by: 1 - Limits.windowMinutes)...current
        let shift = window.map { $0.upperBound.distance(to: current) } ?? Limits.windowMinutes
        window = next
        guard let changed, (0..<Limits.windowMinutes).contains(shift) else {
            self.known = known
            for minute in next { set(minute, figure(minute)) }
            return
        }
        slide(by: shift)
        let entered = next.upperBound.advanced(by: 1 - shift)
        for minute in changed where next.contains(minute) && minute < entered {
            set(minute, figure(minute))
        }
        for offset in 0..<shift {
            let minute = entered.advanced(by: offset)
            set(minute, figure(minute))
        }
        learn(known)
    }

    private mutating func slide(by shift: Int) {
        guard shift > 0 else { return }
        isQuiet.removeFirst(shift)
        isQuiet += Array(repeating: true, count: shift)
        for base in values.indices {
            values[base].removeFirst(shift)
            values[base] += Array(repeating: nil, count: shift)
        }
    }

    private mutating func set(_ minute: Minute, _ figure: Figure) {
        guard let place = place(of: minute) else { return }
        minutesConverted += 1
        switch figure {
        case .quiet:
            isQuiet[place] = true
            showQuiet(minute, at: place)
        case .moved(let amounts):
            isQuiet[place] = false
            for base in values.indices { values[base][place] = amounts[base] }
        }
    }

    /// Updates quiet minutes that have become known or unknown.
    private mutating func learn(_ next: ClosedRange<Minute>?) {
        let before = known
        guard next != before else { return }
        known = next
        guard let window else { return }
        // Only minutes between the least and the greatest bound of both ranges can change.
        let bounds = [before, next].compactMap { $0 }
        let lower = bounds.map(\.lowerBound)
        let upper = bounds.map(\.upperBound)
        var touched: [Range<Minute>] = []
        if bounds.count == 2, let first = lower.min(), let last = lower.max(),
            let end = upper.min(), let farEnd = upper.max(), last <= end
        {
            touched = [first..<last, end.advanced(by: 1)..<farEnd.advanced(by: 1)]
        } else {
            touched = bounds.map { $0.lowerBound..<$0.upperBound.advanced(by: 1) }
        }
        for range in touched {
            for minute in range.clamped(to: window.lowerBound..<window.upperBound.advanced(by: 1)) {
                guard let place = place(of: minute), isQuiet[place] else { continue }
                showQuiet(minute, at: place)
            }
        }
    }

    private mutating func showQuiet(_ minute: Minute, at place: Int) {
        let value: Int128? = known?.contains(minute) ?? false ? 0 : nil
        for base in values.indices { values[base][place] = value }
    }

    private func place(of minute: Minute) -> Int? {
        guard let window, window.contains(minute) else { return nil }
        return window.lowerBound.distance(to: minute)
    }
}
