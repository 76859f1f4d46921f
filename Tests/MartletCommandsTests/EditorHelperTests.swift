import MartletTestSupport
import Testing

@testable import MartletCommands

/// Search, completion and Markdown of a chat, against plain definitions.
@Suite struct EditorHelperTests {
    private static let words = ["one", "on", "two", "once", "世", "é", "o", "t", ""]

    @Test(arguments: 0..<150) func aSearchFindsTheNewestLineAndThenOlderOnes(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let history = (0..<Int.random(in: 0...12, using: &random)).map { _ in
            (0..<3).map { _ in random.element(of: Self.words) }.joined(separator: " ")
        }
        var search = HistorySearch(original: Array("draft"))
        var query = ""
        var found: Int?
        /// The newest line up to an index that contains the text.
        func newest(upTo last: Int) -> Int? {
            query.isEmpty || last < 0 ? nil : (0...last).reversed().first { history[$0].contains(query) }
        }
        for _ in 0..<30 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let character: Character = random.element(of: ["o", "n", "t", " ", "世", "z"])
                query.append(character)
                found = newest(upTo: found ?? history.count - 1)
                search.append(character, in: history)
            case 2:
                _ = query.popLast()
                found = newest(upTo: history.count - 1)
                search.removeLast(in: history)
            default:
                if let present = found { found = newest(upTo: present - 1) ?? present }
                search.findOlder(in: history)
            }
            #expect(search.query == query && search.found == found, "\(history) \(query)")
            #expect(search.prompt.contains("nothing") == (found == nil && !query.isEmpty))
        }
        #expect(search.original == Array("draft"))
    }

    @Test(arguments: 0..<150) func aCompletionIsWhatAllCandidatesBeginWith(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let models = (0..<6).map { _ in
            random.element(of: ["fled", "fl", "qwen3", "qwen", "世界", "世人"])
                + random.element(of: ["", "-a", "-b", "ging"])
        }
        let typed = random.element(of: ["", "f", "fl", "qw", "世", "x"])
        let blanks = String(repeating: " ", count: Int.random(in: 1...3, using: &random))
        let before = Array("/model\(blanks)\(typed)")
        let completion = try #require(InputCompletion(before: before, models: models, conversations: ["c"]))
        #expect(completion.start == before.count - typed.count)
        #expect(completion.candidates == models.filter { $0.hasPrefix(typed) }.sorted())
        guard let insertion = completion.insertion else {
            #expect(completion.candidates.isEmpty)
            return
        }
        #expect(insertion.hasPrefix(typed), "what was typed stays")
        guard completion.candidates.count > 1 else {
            #expect(insertion == (completion.candidates.first ?? "") + " ")
            return
        }
        #expect(completion.candidates.allSatisfy { $0.hasPrefix(insertion) })
        // One character more is no common beginning.
        let longer = completion.candidates.map { $0.prefix(insertion.count + 1) }
        #expect(Set(longer).count > 1 || completion.candidates.contains(insertion))
    }

    @Test func everyCommandCompletesToItselfAndIsKnown() {
        for command in ChatInput.commands {
            let completion = InputCompletion(before: Array(command), models: [], conversations: [])
            #expect(completion?.candidates.contains(command) == true)
            if case .unknownCommand = ChatInput(line: command) { Issue.record("\(command) is unknown") }
            #expect(
                ChatHelp.text(columns: 100).contains(command) || ["/exit", "/help"].contains(command), "\(command)")
        }
        #expect(InputCompletion(before: Array("/set te"), models: [], conversations: [])?.candidates == ["temperature"])
        #expect(InputCompletion(before: Array("/load "), models: [], conversations: [])?.insertion == nil)
        #expect(InputCompletion(before: Array("/mo\n"), models: [], conversations: []) == nil)
    }

    @Test(arguments: [30, 40, 80, 200]) func theHelpFitsTheTerminal(columns: Int) {
        let lines = ChatHelp.text(columns: columns).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.count < columns && !$0.hasSuffix(" ") }, "\(lines)")
        // A description wraps below its own beginning.
        let index = lines.firstIndex { $0.hasPrefix("/rewind TEXT  remove the") }
        #expect(index.map { columns >= 80 || lines[$0 + 1].hasPrefix(String(repeating: " ", count: 14)) } == true)
    }

    @Test(arguments: ["stream", "messages", "model", "n", "return_progress"])
    func aSettingThatTheChatNeedsIsNotChanged(name: String) {
        guard case .invalid(let message) = ChatInput(line: "/set \(name) false") else {
            Issue.record("\(name) was accepted")
            return
        }
        #expect(message.contains(name))
        #expect(ChatInput(line: "/set parameter \(name) 1") == .invalid(message))
    }

    /// Styles of a text that arrives in pieces are those of the whole text.
    @Test(arguments: 0..<200) func markdownDoesNotDependOnItsPieces(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let parts = ["*", "**", "`", "```", "#", "# ", " ", "\n", "a", "b c", "世", "****", "```py\n", "\n```\n", "_x_"]
        let text = (0..<20).map { _ in random.element(of: parts) }.joined()
        func styled(_ pieces: [Substring]) -> [StyledText] {
            var styler = MarkdownStyler(style: .styled)
            var all: [StyledText] = []
            for piece in pieces { all += styler.append(String(piece)) }
            return Self.joined(all + styler.finish())
        }
        var pieces: [Substring] = []
        var rest = text[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...4, using: &random)
            pieces.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        let whole = styled([text[...]])
        #expect(styled(pieces) == whole, "\(text.debugDescription)")
        #expect(styled(text.indices.map { text[$0...$0] }) == whole, "\(text.debugDescription)")
        // Only marks are left out: other characters stay in their order.
        func content(_ text: String) -> String { text.filter { !"*`# ".contains($0) } }
        #expect(content(whole.map(\.text).joined()) == content(text))
    }

    /// Neighbours of one style are one piece, because the size of pieces has no meaning.
    private static func joined(_ pieces: [StyledText]) -> [StyledText] {
        pieces.reduce(into: []) { all, piece in
            if piece.text.isEmpty { return }
            if let last = all.last, last.style == piece.style, last.isCode == piece.isCode {
                all[all.count - 1].text += piece.text
            } else {
                all.append(piece)
            }
        }
    }

    // MARK: Conversations

    @Test(arguments: 0..<150) func aRewindCutsAtTheLastOccurrence(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let content = (0..<12).map { _ in random.element(of: ["ab", "a", "世", " ", "b."]) }.joined()
        let text = random.element(of: ["a", "ab", "世", "b.", "x", "", "a世"])
        var conversation = Conversation(messages: [
            .init(role: "user", content: "q"), .init(role: "assistant", content: content),
        ])
        let before = conversation
        // The plain model: the largest number of characters after which the text follows.
        let characters = Array(content)
        let places = characters.indices.filter { !text.isEmpty && String(characters[$0...]).hasPrefix(text) }
        let isFound = conversation.rewind(to: text)
        #expect(isFound == !places.isEmpty)
        guard let place = places.last else {
            #expect(conversation == before)
            return
        }
        let rest = String(characters[..<place])
        #expect(conversation.messages.map(\.content) == (rest.isEmpty ? ["q"] : ["q", rest]))
    }

    @Test func aWholeRewindRemovesMessageAndReply() {
        var conversation = Conversation(messages: [
            .init(role: "user", content: "a"), .init(role: "assistant", content: "b"),
            .init(role: "user", content: "c"),
        ])
        var isRewound = conversation.rewind(to: nil)
        #expect(!isRewound, "there is no reply to the last message")
        conversation.appendAssistant("d")
        isRewound = conversation.rewind(to: nil)
        #expect(isRewound && conversation.messages.map(\.content) == ["a", "b"])
        conversation.appendAssistant("")
        #expect(conversation.messages.count == 2, "an empty reply is none")
        let message = conversation.retry()
        #expect(message == "a" && conversation.messages.count == 1)
    }
}
