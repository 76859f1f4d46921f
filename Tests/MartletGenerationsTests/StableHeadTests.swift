import MartletChat
import MartletConversation
import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletGenerations

/// Lines at the head of a chat that change with every request.
@Suite struct StableHeadTests {
    private static let instructions = "You are a careful assistant.\n\nToday's date: ask the user.\nx-note: keep this."

    private func applied(_ rules: StableHead, _ text: String, _ role: ConversationMessage.Role = .system) -> String {
        rules.applied(to: [ConversationMessage(role, text), ConversationMessage(.user, "Hi")])[0].texts.joined()
    }

    @Test(arguments: [
        "Today's date: 2026-11-30", "Today is Monday, 30 November 2026.",
        "Current date and time: Mon, 30 Nov 2026 09:13 UTC",
        "The current date is 2026-11-30T09:13:05Z.", "Current time: 9:13 am", "Date: 30.11.2026", "It is now 09:13.",
        "Today\u{2019}s date is November 30th, 2026", "timestamp: 1796030000",
    ])
    func datesMoveToTheEnd(line: String) {
        let text = line + "\n" + Self.instructions
        #expect(applied(.dates, text) == Self.instructions + "\n" + line)
        #expect(applied(.all, text) == Self.instructions + "\n" + line)
        #expect(applied(.off, text) == text && applied(.attribution, text) == text)
    }

    @Test(arguments: [
        "x-anthropic-billing-header: cc_version=2.1.37.0d9; cch=fa690;", "X-Client-Version: 7",
    ])
    func attributionIsDropped(line: String) {
        let text = line + "\n" + Self.instructions
        #expect(applied(.attribution, text) == Self.instructions)
        #expect(applied(.all, text) == Self.instructions)
        #expect(applied(.off, text) == text && applied(.dates, text) == text)
    }

    @Test(arguments: [
        "Today is your first day with 3 customers.", "The current task has 4 parts.", "Date: unknown", "Today",
        "x-: y", "x y: z", "It is 5 o'clock somewhere", "Time flies, 1 2 3", "2026-11-30",
        "x-" + String(repeating: "a", count: 600) + ": y",
    ])
    func otherLinesStay(line: String) {
        let text = line + "\n" + Self.instructions
        #expect(applied(.all, text) == text)
    }

    @Test func theHeadIsTheBeginningOfTheFirstSystemMessageOnly() {
        let line = "Today's date: 2026-11-30"
        let text = "You are an assistant.\n\(line)\n"
        #expect(applied(.all, text) == text)
        #expect(applied(.all, line + "\nHow many days are left?", .user) == line + "\nHow many days are left?")
        #expect(applied(.all, line + "\nBe brief.", .developer) == "Be brief.\n" + line)
        let later = [ConversationMessage(.user, "Hi"), ConversationMessage(.system, line + "\nBe brief.")]
        #expect(StableHead.all.applied(to: later) == later)
        // A message of nothing but a head stays.
        #expect(applied(.all, line) == line)
        #expect(applied(.all, "x-a: b\n") == "x-a: b\n")
        #expect(StableHead.all.applied(to: []) == [])
    }

    @Test func aHeadMayBeAPartOfItsOwn() {
        let cached = ConversationPart.text("You are a careful assistant.")
        let message = ConversationMessage(
            .system,
            parts: [
                .text("x-anthropic-billing-header: cch=1"), .text("Date: 30 Nov 2026\n\nRules follow."), cached,
            ])
        let changed = StableHead.all.applied(to: [message])[0]
        #expect(changed.parts == [.text("\nRules follow."), .text("You are a careful assistant.\nDate: 30 Nov 2026")])
        #expect(!changed.isPlain)
    }

    /// The lines of a text. `\r\n` is one character, but ends a line as `\n` does.
    private static func lines(_ text: String) -> [[UInt8]] {
        text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Array($0) }
    }

    /// Whatever follows the head arrives byte by byte, and later messages are the same values.
    @Test(arguments: 0..<200) func textOutsideOfTheHeadNeverChanges(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let heads = [
            "x-session: 81", "Today's date: 2026-11-30", "Current time: 09:13", "", "x-anthropic-billing-header: a=b",
        ]
        let others = [
            "Be brief.", "Today is great.", " x-a: b", "é\u{301}\r", "\u{0}", "2026-11-30", "# Title", "no-x: 2", "\t",
        ]
        let head = (0..<Int.random(in: 0..<6, using: &random)).map { _ in heads.randomElement(using: &random) ?? "" }
        let lines = (0..<Int.random(in: 1..<6, using: &random)).map { _ in
            [others, heads].randomElement(using: &random)?.randomElement(using: &random) ?? ""
        }
        let body = (["Rules:"] + lines).joined(separator: "\n")
        let messages = [
            ConversationMessage(.system, (head + [body]).joined(separator: "\n")),
            ConversationMessage(.user, (head + lines).joined(separator: "\n")),
        ]
        for rules in StableHead.allCases {
            let changed = rules.applied(to: messages)
            #expect(changed.count == 2 && changed[1] == messages[1])
            let text = changed[0].texts.joined()
            let range = text.utf8.indices.first { text.utf8[$0...].starts(with: body.utf8) }
            #expect(range != nil, "\(rules): \(text)")
            // Nothing is invented: every line is one of the message.
            let given = Set(Self.lines(messages[0].texts[0]))
            #expect(Self.lines(text).allSatisfy(given.contains))
            #expect(rules.applied(to: changed)[0].texts.joined().utf8.count <= text.utf8.count)
        }
    }

    @Test func thePromptOfTwoDaysBeginsAlike() throws {
        var configuration = GenerationConfiguration()
        configuration.stableHead = .all
        let model = ServedModel(.fake, configuration: configuration)
        func text(_ day: Int) throws -> String {
            let system = "x-session: \(day)\nToday's date: 2026-11-\(day)\nYou are a careful assistant."
            let request = ChatCompletionRequest(
                messages: [ConversationMessage(.system, system), ConversationMessage(.user, "Hi")],
                options: Core.options())
            return try model.render(request).prompt.pieces.map { piece in
                if case .text(let text, _) = piece { text } else { "" }
            }.joined()
        }
        let (first, second) = (try text(29), try text(30))
        let common = zip(first.utf8, second.utf8).prefix { $0 == $1 }.count
        #expect(String(decoding: first.utf8.prefix(common), as: UTF8.self).contains("You are a careful assistant."))
        #expect(!first.contains("x-session") && first.contains("2026-11-29"))
    }
}
