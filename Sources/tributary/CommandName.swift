/// Recognises the name of a command that does not exist before the parser sees it: beside `--help`
/// the parser would show the help of the program instead, and succeed.
enum CommandName {
    /// What is wrong with the command that `arguments` name; nil where it exists or none is named.
    static func complaint(_ arguments: some Sequence<String>, known: [String]) -> String? {
        let named = arguments.first { !helpWords.contains($0) }
        guard let named, !named.hasPrefix("-"), !known.contains(named) else { return nil }
        let nearest = known.min { distance(named, $0) < distance(named, $1) }
        let suggestion = nearest.map { " The nearest one is '\($0)'." } ?? ""
        return "There is no command '\(named)'.\(suggestion)"
    }

    /// What may come before the name of a command that help is asked for.
    private static let helpWords: Set<String> = ["help", "--help", "-help", "-h"]

    /// Letters to insert, leave out, replace or swap with the next one, for `a` to become `b`.
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

    /// No command is longer; the rest of a longer word says nothing.
    private static let lettersMax = 32
}
