import Foundation
import MartletJSON
import MartletPlatform
import MartletTestSupport
import Testing

@testable import MartletCommands

/// The files of a chat: damaged, foreign, large.
@Suite struct ChatFileTests {
    /// Runs the body with a state folder that is removed afterwards.
    private func withState(_ body: (_ folder: String, _ environment: @escaping (String) -> String?) throws -> Void)
        throws
    {
        let path = FileManager.default.temporaryDirectory.appending(path: "martlet-chat-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path, { $0 == "XDG_STATE_HOME" ? path : nil })
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: path))
    }

    // MARK: Lines

    @Test func linesComeBackInTheirOrder() throws {
        try withState { folder, environment in
            let history = try #require(ChatHistory(environment: environment))
            #expect(history.load().isEmpty)
            let lines = ["one", "two\nlines", "back\\slash", "世界 🎉", "\\n", "  blanks  "]
            for line in lines { history.append(line) }
            #expect(history.load() == lines)
            let mode = try FileManager.default.attributesOfItem(atPath: folder + "/martlet/chat-history")
            #expect(mode[.posixPermissions] as? Int == 0o600, "messages are private")
        }
    }

    @Test func onlyTheNewestLinesAreLoaded() throws {
        try withState { folder, environment in
            let history = try #require(ChatHistory(environment: environment))
            let text = (0..<1_500).map { "line \($0)" }.joined(separator: "\n") + "\n"
            try write(Array(text.utf8), to: folder + "/martlet/chat-history")
            let lines = history.load()
            #expect(lines.count == 1_000 && lines.first == "line 500" && lines.last == "line 1499")
        }
    }

    /// The file grows for years. Its end is read, and the first line of the part that is read is a whole one.
    @Test func aFileOfAnySizeGivesItsLastLines() throws {
        try withState { folder, environment in
            let history = try #require(ChatHistory(environment: environment))
            let long = String(repeating: "世", count: 1_000)
            let text = (0..<1_200).map { "\($0) \(long)" }.joined(separator: "\n") + "\nlast\n"
            try write(Array(text.utf8), to: folder + "/martlet/chat-history")
            let lines = history.load()
            #expect(lines.last == "last" && lines.count > 300 && lines.count < 360)
            for line in lines.dropLast() { #expect(line.hasSuffix(" " + long) && line.first?.isNumber == true) }
        }
    }

    @Test func aDamagedByteCostsOneCharacter() throws {
        try withState { folder, environment in
            let history = try #require(ChatHistory(environment: environment))
            let bytes = Array("good\nb".utf8) + [0xFF] + Array("d\n\\".utf8) + Array("\nlast\n".utf8)
            try write(bytes, to: folder + "/martlet/chat-history")
            #expect(history.load() == ["good", "b\u{FFFD}d", "", "last"])
            history.append("next")
            #expect(history.load().last == "next")
        }
    }

    @Test func aHistoryThatIsNoFileIsIgnored() throws {
        try withState { folder, environment in
            let history = try #require(ChatHistory(environment: environment))
            try FileManager.default.createDirectory(
                atPath: folder + "/martlet/chat-history", withIntermediateDirectories: true)
            history.append("x")
            #expect(history.load().isEmpty)
        }
        #expect(ChatHistory { _ in nil } == nil && ConversationStore { _ in nil } == nil)
        #expect(ChatFolder.path { $0 == "HOME" ? "/home/u" : "relative" }?.string == "/home/u/.local/state/martlet")
    }

    // MARK: Conversations

    private static let damaged: [(String, String)] = [
        ("", "is no JSON"), ("{", "is no JSON"), ("[]", "has no list of messages"), ("{}", "has no list of messages"),
        (#"{"messages":{}}"#, "has no list of messages"), (#"{"messages":null}"#, "has no list of messages"),
        (String(repeating: "[", count: 100_000), "is no JSON"),
    ]

    @Test(arguments: damaged) func aDamagedConversationIsNamedAndLeftOutOfTheList(text: String, part: String) throws {
        try withState { folder, environment in
            let store = try #require(ConversationStore(environment: environment))
            try store.save(Conversation(messages: [.init(role: "user", content: "hi")]), as: "good")
            try write(Array(text.utf8), to: folder + "/martlet/chats/bad.json")
            let error = #expect(throws: SettingError.self) { try store.load("bad") }
            #expect(error?.description.contains(part) == true && error?.description.contains("bad.json") == true)
            #expect(store.list().map(\.name) == ["good"] && store.names() == ["bad", "good"])
            // A new conversation of that name replaces the file.
            try store.save(Conversation(messages: [.init(role: "user", content: "new")]), as: "bad")
            #expect(try store.load("bad").messages.map(\.content) == ["new"])
        }
    }

    /// Every cut of a stored file is refused or read as less; none ends the program.
    @Test func everyCutOfAFileIsReadOrRefused() throws {
        try withState { folder, environment in
            let store = try #require(ConversationStore(environment: environment))
            let whole = Conversation(
                system: "s", model: "m",
                messages: [.init(role: "user", content: "世\n\"x\""), .init(role: "assistant", content: "é")])
            try store.save(whole, as: "a")
            let path = folder + "/martlet/chats/a.json"
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
            for count in 0..<bytes.count {
                try write(Array(bytes.prefix(count)), to: path)
                #expect(throws: SettingError.self) { try store.load("a") }
            }
            try write(bytes, to: path)
            #expect(try store.load("a") == whole)
        }
    }

    @Test func messagesOfUnknownFormAreLeftOut() throws {
        try withState { folder, environment in
            let store = try #require(ConversationStore(environment: environment))
            let text = #"""
                {"system":5,"model":null,"messages":[{"role":"user","content":"a"},{"role":"tool","content":"b"},
                {"role":"user"},7,{"role":"assistant","content":["c"]},{"role":"assistant","content":"d","more":1}]}
                """#
            try write(Array(text.utf8), to: folder + "/martlet/chats/x.json")
            let conversation = try store.load("x")
            #expect(conversation.messages.map(\.content) == ["a", "d"])
            #expect(conversation.system == nil && conversation.model == nil)
        }
    }

    @Test(arguments: 0..<60) func anyConversationSurvivesItsFile(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let texts = ["", "a", "世界\n", "\u{0}\u{1B}[2J", "\"\\", "👩‍👩‍👧", "e\u{301}", String(repeating: "x", count: 9_999)]
        func text() -> String { random.element(of: texts) }
        let conversation = Conversation(
            system: Bool.random(using: &random) ? text() : nil, model: Bool.random(using: &random) ? text() : nil,
            messages: (0..<Int.random(in: 0...6, using: &random)).map { index in
                .init(role: index % 2 == 0 ? "user" : "assistant", content: text())
            })
        let name = ["notes", "世界", "a b", "x.json", "-n", String(repeating: "n", count: 64)].randomElement(
            using: &random)!
        try withState { folder, environment in
            let store = try #require(ConversationStore(environment: environment))
            try store.save(conversation, as: name)
            #expect(try store.load(name) == conversation)
            #expect(store.names() == [name])
            let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/martlet/chats")
            #expect(files == [name + ".json"], "no part is left")
            let entry = store.list().first
            #expect(entry?.messageCount == conversation.messages.count { $0.role == "user" })
            #expect(entry?.preview.contains("\n") == false && (entry?.preview.utf8.count ?? 0) <= 1_024)
        }
    }
}
