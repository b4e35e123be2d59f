extension Currency {
    /// The month in which the code came into use; nil if the table has no date.
    package var validFrom: YearMonth? { ISO4217.table[Int(index)].validFrom }

    /// The month in which the code was withdrawn; nil for a current code.
    package var validTo: YearMonth? { ISO4217.table[Int(index)].validTo }

    /// True if the code is on the current list.
    package var isCurrent: Bool { validTo == nil }

    /// True if the code was valid in `month`, including the months of introduction and withdrawal:
    /// in the month of a changeover both codes are.
    ///
    /// For display only: no record is rejected by its date.
    package func isValid(in month: YearMonth) -> Bool {
        if let validFrom, month < validFrom { return false }
        if let validTo, month > validTo { return false }
        return true
    }
}
