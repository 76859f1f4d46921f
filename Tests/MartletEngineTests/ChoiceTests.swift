import MartletEngine
import MartletProtocol
import Testing

@Suite struct ChoiceTests {
    private static let prompt = RunningEngine.chat(
        "Here is a list of words: " + (0..<80).map { "word\($0)" }.joined(separator: " ") + ". Tell me a story.")

    /// Several answers to one prompt, of which all but the first name the first.
    private func submit(_ count: Int, to running: RunningEngine) -> [GenerationHandle] {
        var leader: GenerationHandle?
        return (0..<count).map { index in
            let handle = running.submit(Self.prompt) {
                $0.sampling.temperature = 1
                $0.sampling.seed = UInt64(index)
                $0.reusesPrompt = false
                $0.promptLeader = leader
            }
            leader = leader ?? handle
            return handle
        }
    }

    @Test(arguments: [MemorySharing.shared, .separate])
    func aPromptIsComputedOnceForAllChoices(sharing: MemorySharing) async throws {
        let running = RunningEngine {
            $0.memorySharing = sharing
            $0.sequenceCount = 4
        }
        defer { running.engine.shutdown() }
        var alone: [[Int32]] = []
        for index in 0..<4 {
            alone.append(
                await running.answer(Self.prompt) {
                    $0.sampling.temperature = 1
                    $0.sampling.seed = UInt64(index)
                    $0.reusesPrompt = false
                }.tokens)
        }
        #expect(Set(alone).count == 4)
        var answers: [EventLog.Answer] = []
        for handle in submit(4, to: running) { answers.append(await running.log.answer(handle)) }
        if sharing == .separate { #expect(answers.map(\.tokens) == alone) }
        #expect(answers[0].cachedTokens == 0)
        for answer in answers {
            #expect(answer.starts == 1)
            #expect(answer.completion != nil)
        }
        let prompt = answers[0].promptTokens
        for answer in answers.dropFirst() { #expect(answer.cachedTokens >= prompt - 64) }
    }

    @Test func choicesGoOnWhenTheFirstIsCancelled() async {
        let running = RunningEngine { $0.sequenceCount = 4 }
        defer { running.engine.shutdown() }
        let handles = submit(4, to: running)
        running.engine.cancel(handles[0])
        for handle in handles.dropFirst() {
            let answer = await running.log.answer(handle)
            #expect(answer.error == nil)
            #expect(!answer.tokens.isEmpty)
        }
    }

    @Test func moreChoicesThanSequencesWaitTheirTurn() async {
        let running = RunningEngine { $0.sequenceCount = 2 }
        defer { running.engine.shutdown() }
        for handle in submit(7, to: running) {
            #expect(await running.log.answer(handle).completion != nil)
        }
    }

    @Test func whoWantsABusySequenceWaitsAndHoldsUpNobody() async throws {
        let running = RunningEngine {
            $0.sequenceCount = 2
            $0.contextLength = RunningEngine.endless
        }
        defer { running.engine.shutdown() }
        let endless = running.submitEndless()
        await running.log.tokens(1, of: endless)
        let status = try await running.engine.status()
        let busy = try #require(status.slots.first { $0.handle == endless }?.index)
        let waiting = running.submit(Self.prompt) { $0.slot = busy + 2 }
        let other = await running.answer(Self.prompt)
        #expect(other.completion?.slot == 1 - busy)
        #expect(running.log.answerSoFar(waiting).starts == 0)
        running.engine.cancel(endless)
        #expect(await running.log.answer(waiting).completion?.slot == busy)
    }
}
