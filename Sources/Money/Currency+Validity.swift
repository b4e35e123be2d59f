extension Currency {
    /// The month in which the code came into use; nil where the table does not date it.
    package var validFrom: YearMonth? { ISO4217.table[Int(index)].validFrom }

    /// The month in which the code was withdrawn; nil for a current code.
    package var validTo: YearMonth? { ISO4217.table[Int(index)].validTo }

    /// Whether the code is on the current list.
    package var isCurrent: Bool { validTo == nil }

    /// Whether the code stood in `month`, the months of introduction and withdrawal included:
    /// in the month of a changeover both codes do.
    ///
    /// This informs people; no record is rejected by its date.
    package func isValid(in month: YearMonth) -> Bool {
        if let validFrom, month < validFrom { return false }
        if let validTo, month > validTo { return false }
        return true
    }
}
