import MartletEngine
import MartletProtocol
import Testing

@Suite struct EngineChoiceTests {
    private static let prompt = RunningEngine.chat(
        "Here is a list of words: " + (0..<80).map { "word\($0)" }.joined(separator: " ") + ". Tell me a story.")

    /// Submits several choices of one prompt. All except the first name the first as their parent.
    private func submit(_ count: Int, to running: RunningEngine) -> [GenerationHandle] {
        var parent: GenerationHandle?
        return (0..<count).map { index in
            let handle = running.submit(Self.prompt) {
                $0.parameters.sampling.temperature = 1
                $0.parameters.sampling.seed = UInt64(index)
                $0.parameters.reusesPrompt = false
                $0.sharedPrefillParent = parent
            }
            parent = parent ?? handle
            return handle
        }
    }

    @Test(arguments: [KVCacheLayout.unified, .separate])
    func aPromptIsComputedOnceForAllChoices(sharing: KVCacheLayout) async throws {
        let running = RunningEngine {
            $0.kvCacheLayout = sharing
            $0.sequenceCount = 4
        }
        defer { running.engine.shutdown() }
        var alone: [[Int32]] = []
        for index in 0..<4 {
            alone.append(
                await running.completion(Self.prompt) {
                    $0.parameters.sampling.temperature = 1
                    $0.parameters.sampling.seed = UInt64(index)
                    $0.parameters.reusesPrompt = false
                }.tokens)
        }
        #expect(Set(alone).count == 4)
        var completions: [EventLog.Completion] = []
        for handle in submit(4, to: running) { completions.append(await running.log.completion(handle)) }
        if sharing == .separate { #expect(completions.map(\.tokens) == alone) }
        #expect(completions[0].cachedTokens == 0)
        for completion in completions {
            #expect(completion.starts == 1)
            #expect(completion.summary != nil)
        }
        let prompt = completions[0].promptTokens
        for completion in completions.dropFirst() { #expect(completion.cachedTokens >= prompt - 64) }
    }

    @Test func choicesContinueWhenTheFirstIsCancelled() async {
        let running = RunningEngine { $0.sequenceCount = 4 }
        defer { running.engine.shutdown() }
        let handles = submit(4, to: running)
        running.engine.cancel(handles[0])
        for handle in handles.dropFirst() {
            let completion = await running.log.completion(handle)
            #expect(completion.error == nil)
            #expect(!completion.tokens.isEmpty)
        }
    }

    @Test func moreChoicesThanSlotsWait() async {
        let running = RunningEngine { $0.sequenceCount = 2 }
        defer { running.engine.shutdown() }
        for handle in submit(7, to: running) {
            #expect(await running.log.completion(handle).summary != nil)
        }
    }

    @Test func aRequestForABusySlotWaitsAndDelaysNoOther() async throws {
        let running = RunningEngine {
            $0.sequenceCount = 2
            $0.contextLength = RunningEngine.endless
        }
        defer { running.engine.shutdown() }
        let endless = running.submitEndless()
        await running.log.tokens(1, of: endless)
        let status = try await running.engine.status()
        let busy = try #require(status.slots.first { $0.handle == endless }?.index)
        let waiting = running.submit(Self.prompt) { $0.parameters.slot = busy + 2 }
        let other = await running.completion(Self.prompt)
        #expect(other.summary?.slot == 1 - busy)
        #expect(running.log.completionSoFar(waiting).starts == 0)
        running.engine.cancel(endless)
        #expect(await running.log.completion(waiting).summary?.slot == busy)
    }
}
