@main struct Main {
    static func main() {
        let arguments = CommandLine.arguments
        if arguments.count == 3, arguments[1] == "fold" { FoldBenchmark.run(path: arguments[2]) }
    }
}
