import MartletAPI
import MartletTestSupport
import Testing

@testable import MartletCommands

/// Names of generations on the command line, against a plain search. A wrong match would remove another generation.
@Suite struct StreamSelectionTests {
    private static let digits = Array("0123456789abcdef")

    private static func id(_ random: inout SeededGenerator, alphabet: Int = 16) -> String {
        String((0..<32).map { _ in digits[Int.random(in: 0..<alphabet, using: &random)] })
    }

    private func select(_ name: String, _ ids: [String], _ labels: [String: String] = [:]) -> StreamSelection {
        StreamSelection.id(of: name, ids: ids) { labels[$0] }
    }

    @Test(arguments: 0..<200) func aBeginningMeansTheOnlyIdThatBeginsSo(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        // Few different digits, so that beginnings are often shared.
        let ids = Array(Set((0..<Int.random(in: 1...12, using: &random)).map { _ in Self.id(&random, alphabet: 2) }))
        for _ in 0..<20 {
            let source = random.element(of: ids)
            let beginning = String(source.prefix(Int.random(in: 0...32, using: &random)))
            let matches = ids.filter { $0.hasPrefix(beginning) }
            let dialect = random.element(of: Dialect.all)
            let name = dialect.idPrefix + (Bool.random(using: &random) ? beginning.uppercased() : beginning)
            switch select(name, ids) {
            case .id(let id): #expect(beginning.count >= 4 && matches == [id], "\(name)")
            case .invalid(let message):
                #expect(beginning.count < 4 || matches.count > 1, "\(name): \(message)")
                if beginning.count >= 4 { #expect(message.hasPrefix("\(matches.count) generations begin with ")) }
            }
        }
    }

    @Test(arguments: Dialect.all.map(\.idPrefix)) func theIdsOfEveryDialectAreFound(prefix: String) {
        var random = SeededGenerator(seed: 7)
        let ids = (0..<5).map { _ in Self.id(&random) }
        for id in ids { #expect(select(prefix + id, ids) == .id(id)) }
        #expect(select(prefix + ids[2].prefix(8), ids) == .id(ids[2]))
    }

    /// The part of a label behind a dash is no id.
    @Test func aLabelThatDoesNotExistMeansNoOtherGeneration() {
        let ids = ["3f0c5a4be1d24f7f9d4f0c55ab8d7e21"]
        for name in [
            "notes-3f0c", "a-3f0c5a4be1d24f7f9d4f0c55ab8d7e21", "notes_3f0c", "-3f0c", "chatcmpl-x-3f0c", "3f0c-",
        ] {
            guard case .invalid(let message) = select(name, ids) else {
                Issue.record("\(name) means a generation")
                continue
            }
            #expect(message.hasPrefix("there is no generation '\(name)'"))
        }
        #expect(select("notes-3f0c", ids, [ids[0]: "notes-3f0c"]) == .id(ids[0]))
    }

    @Test(arguments: 0..<100) func aWholeIdComesBeforeALabelAndTheNewestLabelCounts(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let ids = (0..<6).map { _ in Self.id(&random) }
        let names = ["notes", "caf\u{E9}", "cafe\u{301}", String(ids[0].prefix(6)), ids[1]]
        var labels: [String: String] = [:]
        for id in ids where Bool.random(using: &random) { labels[id] = random.element(of: names) }
        for name in names {
            let newest = ids.last { labels[$0]?.utf8.elementsEqual(name.utf8) == true }
            let begins = ids.filter { $0.hasPrefix(name) }
            let expected = ids.contains(name) ? name : newest ?? (begins.count == 1 ? begins[0] : nil)
            switch select(name, ids, labels) {
            case .id(let id): #expect(id == expected, "\(name)")
            case .invalid: #expect(expected == nil, "\(name)")
            }
        }
    }

    @Test func aNameCannotControlTheTerminal() {
        guard case .invalid(let message) = select("\u{1B}[2J", []) else { return #expect(Bool(false)) }
        #expect(!message.unicodeScalars.contains { $0.properties.generalCategory == .control })
    }
}
