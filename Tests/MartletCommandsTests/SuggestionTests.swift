import Testing

@testable import MartletCommands

/// Names of commands, flags and generations that a person mistypes or shortens.
@Suite struct SuggestionTests {
    @Test(arguments: [
        ("server", "serve"), ("ls", "list"), ("chta", "chat"), ("strea", "streams"), ("templates", "template formats"),
        ("benhc", "bench"), ("stop", "unload"), ("delete", "rm"),
    ])
    func anUnknownCommandNamesTheNearest(name: String, nearest: String) {
        let error = CommandSuggestion.error(name, commands: MartletCommand.commandNames)
        #expect(error == "unknown command '\(name)'; did you mean 'martlet \(nearest)'?")
    }

    @Test(arguments: ["cp", "rn", "r"]) func noMistypedWordMeansARemoval(name: String) throws {
        let error = try #require(CommandSuggestion.error(name, commands: MartletCommand.commandNames))
        #expect(!error.contains("martlet rm"))
    }

    @Test func commandsAndFlagsAreNoErrors() {
        for name in ["serve", "chat", "run", "list", "worker", "help", "--version", "-h"] {
            #expect(CommandSuggestion.error(name, commands: MartletCommand.commandNames) == nil)
        }
        #expect(
            CommandSuggestion.error("xyzzyx", commands: MartletCommand.commandNames)
                == "unknown command 'xyzzyx'; 'martlet --help' lists all")
    }

    @Test func aBeginningCountsMoreThanADistance() {
        #expect(NearestWord.find("--ctx", among: ["--cpu", "--ctx-checkpoints", "--ctx-size"]) == "--ctx-size")
        #expect(NearestWord.find("--prot", among: ["--port", "--host"]) == "--port")
        #expect(NearestWord.find("--", among: ["--port", "--host"]) == nil)
    }

    private static let ids = [
        "3f0c5a4be1d24f7f9d4f0c55ab8d7e21", "3f0d5a4be1d24f7f9d4f0c55ab8d7e21", "aaaa5a4be1d24f7f9d4f0c55ab8d7e21",
    ]

    @Test(arguments: [
        ("chatcmpl-3f0c5a4be1d24f7f9d4f0c55ab8d7e21", 0), ("3f0c5a4be1d24f7f9d4f0c55ab8d7e21", 0), ("3f0d", 1),
        ("chatcmpl-3F0C", 0), ("notes", 2), ("aaaa", 1),
    ])
    func aGenerationIsFoundByIdBeginningAndLabel(name: String, index: Int) {
        // The label of the second generation looks like the beginning of an id, and the newest of two labels counts.
        let labels = [Self.ids[0]: "notes", Self.ids[1]: "aaaa", Self.ids[2]: "notes"]
        #expect(StreamSelection.id(of: name, ids: Self.ids) { labels[$0] } == .id(Self.ids[index]))
    }

    @Test func otherNamesOfGenerationsAreExplained() {
        guard case .invalid(let several) = StreamSelection.id(of: "3f0", ids: Self.ids, label: { _ in nil }),
            case .invalid(let ambiguous) = StreamSelection.id(
                of: "3f0c", ids: Self.ids + ["3f0cffffffffffffffffffffffffffff"], label: { _ in nil })
        else {
            Issue.record("a name that is too short or not unique was accepted")
            return
        }
        #expect(several.hasPrefix("there is no generation '3f0'"))
        #expect(ambiguous.hasPrefix("2 generations begin with 3f0c: "))
    }

    @Test func percentilesNeedEnoughSamples() {
        #expect(Distribution((0..<20).map { Double($0) }).reliableQuantile(0.95) == nil)
        #expect(Distribution((0..<21).map { Double($0) }).reliableQuantile(0.95) == 19)
        #expect(Distribution((0..<100).map { Double($0) }).reliableQuantile(0.99) == nil)
        #expect(Distribution((0..<101).map { Double($0) }).reliableQuantile(0.99) == 99)
    }

    @Test func agesHaveTheirLargestUnit() {
        #expect(
            [-5, 59, 200, 7_300, 200_000].map { AgeText.text(seconds: $0) } == ["0 s", "59 s", "3 min", "2 h", "2 d"])
    }
}
