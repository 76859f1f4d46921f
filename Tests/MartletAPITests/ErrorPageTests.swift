import Foundation
import MartletAPI
import MartletGenerations
import MartletStreams
import Testing

/// docs/errors.md has each type and each code of errors, and no other.
@Suite struct ErrorPageTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    /// The cells of the rows of a table whose first cell is a name in backticks.
    private static func rows(_ heading: String) throws -> [[String]] {
        let page = try String(contentsOfFile: "/\(root)/docs/errors.md", encoding: .utf8)
        let section = try #require(page.components(separatedBy: "\n## ").first { $0.hasPrefix(heading) })
        return section.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { row in
            row.split(separator: "|").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " `")) }
        }
    }

    @Test func eachTypeHasItsStatusItsCauseAndItsRemedy() throws {
        var expected: [String: Int] = [:]
        for kind in GenerationError.Kind.allCases { expected[kind.type] = kind.status }
        for fault in APIError.HTTPFault.allCases { expected[fault.rawValue] = fault.status }
        var found: [String: Int] = [:]
        for row in try Self.rows("Types") {
            try #require(row.count == 4)
            found[row[0]] = Int(row[1])
            #expect(row[2].count > 10 && row[3].count > 10, "\(row[0])")
        }
        #expect(found == expected)
    }

    @Test func eachFlagOfTheRemediesExists() throws {
        let page = try String(contentsOfFile: "/\(Self.root)/docs/errors.md", encoding: .utf8)
        let flags = try String(contentsOfFile: "/\(Self.root)/docs/flags.md", encoding: .utf8)
        for flag in page.matches(of: /`(--[a-z-]+)`/) {
            // `--url` belongs to martlet chat.
            guard flag.1 != "--url" else { continue }
            #expect(flags.contains("`\(flag.1)`"), "\(flag.1)")
        }
    }

    @Test func eachCodeHasARow() throws {
        // Codes are assigned as literals in these targets.
        var codes: Set<String> = []
        for target in ["MartletAPI", "MartletGenerations", "MartletPool", "MartletServer", "MartletStreams"] {
            let folder = "/\(Self.root)/Sources/\(target)"
            let files = try #require(FileManager.default.enumerator(atPath: folder))
            for case let file as String in files where file.hasSuffix(".swift") {
                let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
                for rest in text.components(separatedBy: "code = \"").dropFirst() {
                    codes.insert(String(rest.prefix { $0 != "\"" }))
                }
            }
        }
        #expect(codes.contains("invalid_schema"))
        #expect(Set(try Self.rows("Codes").map { $0[0] }) == codes)
    }
}
