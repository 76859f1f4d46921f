import MartletGenerations
import MartletProtocol
import MartletTestSupport
import Testing

struct InfillPromptTests {
    private let all: InfillTokens = {
        var tokens = InfillTokens()
        tokens.numbers = [100, 101, 102, 103, 104, 105]
        return tokens
    }()

    private let plain: InfillTokens = {
        var tokens = InfillTokens()
        tokens.numbers = [100, 101, 102, -1, -1, -1]
        return tokens
    }()

    private func prompt() -> InfillPrompt {
        var prompt = InfillPrompt(prefix: [1, 2], suffix: [3])
        prompt.beginning = [4]
        prompt.files = [InfillPrompt.File(name: [5], text: [6, 7]), InfillPrompt.File(name: [8], text: [9])]
        (prompt.repositoryName, prompt.fileName, prompt.fileDelimiter) = ([20], [21], [22])
        return prompt
    }

    @Test func theLayoutIsThatOfRepositories() {
        #expect(
            prompt().tokens(all).tokens
                == [105, 103, 20, 104, 5, 6, 7, 104, 8, 9, 104, 21, 100, 1, 2, 4, 101, 3, 102])
        #expect(prompt().tokens(plain).tokens == [22, 6, 7, 22, 9, 100, 1, 2, 4, 101, 3, 102])
        var reversed = prompt()
        (reversed.beginsWithSuffix, reversed.files) = (true, [])
        #expect(reversed.tokens(plain).tokens == [101, 3, 100, 1, 2, 4, 102])
    }

    @Test func aLongTextLosesItsPartFarthestFromTheGap() {
        var prompt = InfillPrompt(prefix: Array(0..<100), suffix: Array(200..<300))
        let warnings = prompt.fit(InfillPrompt.Room(batch: 40, context: 1_000, completion: 0))
        #expect(prompt.prefix == Array(70..<100) && prompt.suffix == Array(200..<208))
        #expect(
            warnings == [
                "input_prefix: only the last 30 of 100 tokens are read",
                "input_suffix: only the first 8 of 100 tokens are read",
            ])
    }

    @Test func otherFilesFillTheRestOfTheContext() {
        let room = InfillPrompt.Room(batch: 10, context: 24, completion: 8)
        // 24 tokens, less 4 at the gap, 4 for the layout and a quarter of the context for the completion.
        #expect(prompt().tokens(all, in: room).tokens.count == 1 + 10 + 7)
        #expect(prompt().tokens(all, in: room).isShortened)
        #expect(!prompt().tokens(all, in: InfillPrompt.Room(batch: 10, context: 400, completion: 8)).isShortened)
        #expect(prompt().tokens(all, in: InfillPrompt.Room(batch: 10, context: 12, completion: .max)).tokens.count == 9)
    }

    /// A prompt always fits, keeps the tokens at the gap, and has its special tokens in order.
    @Test func promptsFitTheContext() {
        var random = SeededGenerator(seed: 9)
        for _ in 0..<2_000 {
            let room = InfillPrompt.Room(
                batch: Int.random(in: 1...64, using: &random), context: Int.random(in: 32...128, using: &random),
                completion: Int.random(in: 0...40, using: &random))
            func tokens(_ limit: Int) -> [Int32] {
                (0..<Int.random(in: 0...limit, using: &random)).map { Int32($0) }
            }
            var prompt = InfillPrompt(prefix: tokens(100), suffix: tokens(100))
            prompt.beginning = tokens(3)
            prompt.files = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                InfillPrompt.File(name: tokens(2), text: tokens(40))
            }
            prompt.repositoryName = [1]
            prompt.fileName = [2]
            prompt.beginsWithSuffix = Bool.random(using: &random)
            let (prefix, suffix) = (prompt.prefix, prompt.suffix)
            _ = prompt.fit(room)
            #expect(prompt.prefix.elementsEqual(prefix.suffix(prompt.prefix.count)))
            #expect(prompt.suffix.elementsEqual(suffix.prefix(prompt.suffix.count)))
            let made = prompt.tokens(all, in: room).tokens
            #expect(made.count < room.context + prompt.beginning.count, "\(room) \(made.count)")
            #expect(made.first == 105 && made.last == 102)
        }
    }
}
