import Foundation
import MartletJSON
import MartletTestSupport
import OrderedCollections
import Testing

@testable import MartletCommands

/// Configurations of clients with any names and keys: JSON stays JSON, a shell word stays one word.
@Suite struct ConnectPropertyTests {
    private static let texts = [
        "", "a", "it's", "\"q\"", "$HOME `id` \\", "a b", "é世🎉", "line\nbreak", "#!*?[]{}", "-n", "\u{7}", "=",
    ]

    private static func value(_ random: inout SeededGenerator, depth: Int = 3) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .integer(Int64.random(in: -5...5, using: &random))
        case 3: return .number(0.5)
        case 4, 5: return .string(random.element(of: texts))
        case 6:
            return .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(&random, depth: depth - 1) })
        default: return .object(members(&random, depth: depth - 1))
        }
    }

    private static func members(_ random: inout SeededGenerator, depth: Int = 3) -> JSONObject {
        var members = JSONObject()
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            members[random.element(of: ["a", "b", "c", "it's", "é"])] = value(&random, depth: depth)
        }
        return members
    }

    @Test(arguments: 0..<200) func indentedJSONHasTheSameValue(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let value = Self.value(&random)
        let text = IndentedJSON.text(value)
        #expect(try JSONParser.parse(Array(text.utf8)) == value)
        // Each level has two blanks more, and closing brackets stand below the line that opens them.
        for line in text.split(separator: "\n") { #expect(line.prefix { $0 == " " }.count % 2 == 0) }
        #expect(!text.contains(" \n"))
    }

    /// The laws of a merge: it changes nothing outside of the new members, and a second one changes nothing.
    @Test(arguments: 0..<200) func aMergeKeepsWhatItDoesNotName(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) + 500)
        let base = Self.members(&random)
        let new = Self.members(&random)
        let merged = IndentedJSON.merging(new, into: base)
        #expect(IndentedJSON.merging(new, into: merged) == merged)
        #expect(IndentedJSON.merging([:], into: base) == base && IndentedJSON.merging(new, into: [:]) == new)
        for (name, old) in base {
            guard let change = new[name] else {
                #expect(merged[name] == old)
                continue
            }
            if case .object(let members) = old, case .object(let changes) = change {
                #expect(merged[name] == .object(IndentedJSON.merging(changes, into: members)))
            } else {
                #expect(merged[name] == change)
            }
        }
        #expect(Array(merged.keys.prefix(base.count)) == Array(base.keys), "the order of the file stays")
    }

    /// The printed `export` lines, executed by a shell.
    @Test(arguments: texts.filter { !$0.isEmpty }) func aKeyIsOneWordOfAShell(key: String) throws {
        let server = ConnectedServer(url: "http://127.0.0.1:8080", model: "m", contextLength: nil, key: key)
        let setup = ClientSetup(of: .openwebui, server)
        let exports = setup.text.components(separatedBy: "\n\n")[0]
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", exports + "\nprintf '%s|%s' \"$OPENAI_API_KEY\" \"$OPENAI_API_BASE_URL\""]
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(String(decoding: output, as: UTF8.self) == "\(key)|http://127.0.0.1:8080/v1")
    }

    /// Names of models come from files and servers: a quote in them ends no string of a configuration.
    @Test(arguments: ["a\"b", "a\\b", "x\n[y]", "世/界:Q4"]) func aNameStaysWithinItsQuotes(model: String) throws {
        let server = ConnectedServer(url: "http://h:1", model: model, contextLength: 100, key: model)
        let quoted = JSONValue.string(model).text
        for client in ClientSetup.Client.allCases {
            let setup = ClientSetup(of: client, server)
            switch setup.file?.content {
            case .lines(let lines):
                #expect(lines.contains(" \(quoted)\n"), "\(client)")
                #expect(lines.split(separator: "\n").allSatisfy { !$0.hasPrefix("[y]") })
            case .json(let members):
                #expect(JSONValue.object(members).text.contains(quoted), "\(client)")
            case nil: #expect(client == .cline || client == .openwebui)
            }
        }
    }
}
