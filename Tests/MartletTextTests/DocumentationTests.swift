import Foundation
import Testing

/// The pages name files, functions, types and tests that exist.
@Suite struct DocumentationTests {
    private static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        .dropLast(3).joined(separator: "/")

    /// The text of a file of the repository.
    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
    }

    /// The paths of all files of a folder with this ending, relative to the repository.
    private static func paths(in folder: String, endingIn ending: String) throws -> [String] {
        let names = try #require(FileManager.default.enumerator(atPath: "\(root)/\(folder)"))
        return names.compactMap { $0 as? String }.filter { $0.hasSuffix(ending) }.map { "\(folder)/\($0)" }
    }

    private static func isOfName(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
    }

    /// Whether a source has a declaration of this name. Regular expressions over all sources take minutes in a debug
    /// build.
    private static func declares(_ name: Substring, as keywords: [String], in source: String) -> Bool {
        keywords.contains { keyword in
            let parts = source.components(separatedBy: "\(keyword) \(name)").map(\.unicodeScalars)
            return zip(parts, parts.dropFirst()).contains { before, behind in
                !(before.last.map(isOfName) ?? false) && !(behind.first.map(isOfName) ?? false)
            }
        }
    }

    @Test func everyBehaviourHasAnExistingFileAndSymbol() throws {
        let page = try Self.text("docs/finding-your-way.md")
        let rows = page.matches(of: /\| `(Sources\/[^`]+)` \| `(\w+)(?:\.(\w+))?` \|/)
        #expect(rows.count == page.ranges(of: "| `Sources/").count)
        #expect(rows.count >= 40)
        for row in rows {
            let (_, path, type, member) = row.output
            guard let source = try? Self.text(String(path)) else {
                Issue.record("\(path) does not exist")
                continue
            }
            let kinds = ["struct", "class", "enum", "actor", "protocol", "extension"]
            #expect(Self.declares(type, as: kinds, in: source), "\(path) has no \(type)")
            guard let member else { continue }
            let hasMember =
                member == "init"
                ? source.contains("init(") || source.contains("init<")
                : Self.declares(member, as: ["func", "var"], in: source)
            #expect(hasMember, "\(path) has no \(member)")
        }
    }

    @Test(arguments: ["docs/promises.md", "docs/threat-model.md"])
    func everyTestThatAPageNamesExists(page: String) throws {
        let sources = try Self.paths(in: "Tests", endingIn: ".swift").map { try Self.text($0) }
        var names: Set<String> = []
        for source in sources {
            for keyword in ["func ", "struct ", "class "] {
                for rest in source.components(separatedBy: keyword).dropFirst() {
                    names.insert(String(rest.unicodeScalars.prefix(while: Self.isOfName)))
                }
            }
        }
        let tests = try Self.text(page).matches(of: /`([a-z][a-zA-Z]{11,}|[A-Z]\w+Tests)`/).map(\.1)
        #expect(tests.count >= 10)
        for test in tests { #expect(names.contains(String(test)), "\(page) names \(test), which is not a test") }
    }

    @Test func everyLinkBetweenPagesHasATarget() throws {
        let pages = try ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] + Self.paths(in: "docs", endingIn: ".md")
        for page in pages {
            let folder = page.split(separator: "/").dropLast().map { "\($0)/" }.joined()
            for link in try Self.text(page).matches(of: /\]\(([^)#: ]+)(?:#[^)]*)?\)/) {
                let path = "\(Self.root)/\(folder)\(link.1)"
                #expect(FileManager.default.fileExists(atPath: path), "\(page) links to \(link.1)")
            }
        }
    }
}
