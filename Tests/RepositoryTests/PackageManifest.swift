/// The targets of `Package.swift` and their dependencies, read from its text.
struct PackageManifest {
    enum Kind: Equatable {
        case systemLibrary, library, executable, test
    }

    struct Target: Equatable {
        let name: String
        let kind: Kind

        /// Targets of this package.
        var dependencies: [String]

        /// Products of other packages.
        var products: [String]
    }

    let targets: [Target]

    /// The calls of the manifest that declare a target.
    private static let kinds: [String: Kind] = [
        "library": .library, "test": .test, "systemLibrary": .systemLibrary,
        "executableTarget": .executable, "testTarget": .test, "target": .library,
    ]

    init(_ text: String) {
        let tokens = Self.tokens(text)
        let products = Self.namedProducts(tokens)
        var targets: [Target] = []
        for index in tokens.indices {
            guard case .word(let call) = tokens[index], let kind = Self.kinds[call],
                index + 1 < tokens.count, tokens[index + 1] == .mark("("),
                let name = Self.firstString(tokens, after: index + 1)
            else { continue }
            var target = Target(name: name, kind: kind, dependencies: [], products: [])
            if call == "test" {
                target = Target(
                    name: name + "Tests", kind: kind, dependencies: [name], products: [])
            }
            Self.readDependencies(
                tokens, from: index + 1, isLabelled: !["library", "test"].contains(call),
                products: products, into: &target)
            targets.append(target)
        }
        self.targets = targets
    }

    func target(_ name: String) -> Target? { targets.first { $0.name == name } }
}

extension PackageManifest {
    fileprivate enum Token: Equatable {
        case word(String)
        case string(String)
        case mark(Character)
    }

    fileprivate static func tokens(_ text: String) -> [Token] {
        var tokens: [Token] = []
        for line in text.split(separator: "\n") {
            var rest = line
            while let first = rest.first {
                if rest.hasPrefix("//") { break }
                if first == "\"" {
                    let body = rest.dropFirst().prefix { $0 != "\"" }
                    tokens.append(.string(String(body)))
                    rest = rest.dropFirst(body.count + 2)
                } else if first.isLetter || first == "_" {
                    let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                    tokens.append(.word(String(word)))
                    rest = rest.dropFirst(word.count)
                } else {
                    if !first.isWhitespace { tokens.append(.mark(first)) }
                    rest = rest.dropFirst()
                }
            }
        }
        return tokens
    }

    /// `let NAME: Target.Dependency = .product(name: "PRODUCT", …)`
    fileprivate static func namedProducts(_ tokens: [Token]) -> [String: String] {
        var products: [String: String] = [:]
        for index in tokens.indices where tokens[index] == .word("let") {
            guard index + 9 < tokens.count, case .word(let name) = tokens[index + 1],
                tokens[index + 3] == .word("Target"), tokens[index + 5] == .word("Dependency"),
                tokens[index + 8] == .word("product"),
                let product = firstString(tokens, after: index + 9)
            else { continue }
            products[name] = product
        }
        return products
    }

    /// The call's first argument, if it is a plain literal, with or without the label `name:`.
    fileprivate static func firstString(_ tokens: [Token], after parenthesis: Int) -> String? {
        var index = parenthesis + 1
        if index + 1 < tokens.count, tokens[index] == .word("name") { index += 2 }
        guard index < tokens.count, case .string(let text) = tokens[index],
            !text.contains("\\(")
        else { return nil }
        return text
    }

    /// Reads the array after `dependencies:`, or the call's first unlabelled array.
    fileprivate static func readDependencies(
        _ tokens: [Token], from parenthesis: Int, isLabelled: Bool, products: [String: String],
        into target: inout Target
    ) {
        var depth = 0
        var arrayDepth: Int?
        for index in parenthesis..<tokens.count {
            switch tokens[index] {
            case .mark("("), .mark("["):
                depth += 1
                let label: Token = isLabelled ? .word("dependencies") : .mark(",")
                if arrayDepth == nil, depth == 2, tokens[index] == .mark("["),
                    tokens[isLabelled ? index - 2 : index - 1] == label
                {
                    arrayDepth = depth
                }
            case .mark(")"), .mark("]"):
                depth -= 1
                if depth == 0 || arrayDepth.map({ depth < $0 }) == true { return }
            case .string(let name) where arrayDepth == depth:
                target.dependencies.append(name)
            case .word(let name) where arrayDepth == depth:
                if let product = products[name] { target.products.append(product) }
            case .string(let name) where arrayDepth != nil && tokens[index - 2] == .word("name"):
                target.products.append(name)
            default:
                break
            }
        }
    }
}
