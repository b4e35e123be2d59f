/// Reports unknown commands before the argument parser runs. With `--help`, the parser would answer
/// them with the program's own help and exit status 0.
enum CommandName {
    /// The error for an unknown command in `arguments`; nil if the command exists or none is given.
    static func complaint(_ arguments: some Sequence<String>, known: [String]) -> String? {
        let named = arguments.first { !helpWords.contains($0) }
        guard let named, !named.hasPrefix("-"), !known.contains(named) else { return nil }
        let nearest = known.min { distance(named, $0) < distance(named, $1) }
        let suggestion = nearest.map { " Did you mean '\($0)'?" } ?? ""
        return "Unknown command '\(named)'.\(suggestion)"
    }

    /// Words that may precede the command's name in a request for help.
    private static let helpWords: Set<String> = ["help", "--help", "-help", "-h"]

    /// The edit distance: insertions, deletions, replacements and swaps of adjacent letters.
    private static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a.utf8.prefix(lettersMax)), Array(b.utf8))
        var before: [Int] = []
        var last = Array(0...b.count)
        for (row, letter) in a.enumerated() {
            var next = [row + 1]
            for (column, other) in b.enumerated() {
                var cost = min(last[column + 1], next[column]) + 1
                cost = min(cost, last[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == b[column - 1], a[row - 1] == other {
                    cost = min(cost, before[column - 1] + 1)
                }
                next.append(cost)
            }
            (before, last) = (last, next)
        }
        return last[b.count]
    }

    /// Longer than any command. The rest of a longer word is ignored, which bounds the work.
    private static let lettersMax = 32
}
