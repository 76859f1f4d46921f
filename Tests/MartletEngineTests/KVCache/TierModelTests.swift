import Foundation
import Llama
import MartletProtocol
import MartletStateFiles
import Testing

@testable import MartletEngine

/// Conversations continue from the tiers with the results of a fresh prefill, for every kind of memory.
@Suite struct TierModelTests {
    /// The demo model, and random models with other kinds of memory if the set-up could make them.
    static let models = SwappingTests.models

    /// Conversations whose turns are tokens.
    struct Chat {
        var history: [Int32]
        let salt: Int

        init(salt: Int, count: Int) {
            self.salt = salt
            history = (0..<count).map { Int32(20 + ($0 * 7 + salt * 31 + $0 / 64 * salt) % 300) }
        }

        mutating func addTurn(_ output: [Int32], count: Int = 12) {
            history += output + (0..<count).map { Int32(20 + ($0 * 11 + salt * 5 + history.count) % 300) }
        }
    }

    /// A folder that is removed at the end.
    final class Folder {
        let path = FileManager.default.temporaryDirectory.appending(path: "cache-\(UUID().uuidString)").path
        var files: [String] {
            get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted().map { path + "/" + $0 } }
        }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    static func complete(
        _ chat: Chat, _ running: RunningEngine, count: Int = 16, _ change: (inout GenerationRequest) -> Void = { _ in }
    ) async -> EventLog.Completion {
        await running.completion(Prompt(pieces: [.tokens(chat.history)], addsBeginning: false)) {
            $0.parameters.ignoresEndOfGeneration = true
            $0.parameters.maximumTokens = count
            $0.parameters.probabilities = ProbabilityRequest(count: 4)
            change(&$0)
        }
    }

    /// The largest difference that the rounding of a fresh prefill makes. The demo model has a cache of 16-bit values,
    /// whose kernel rounds differently for 64 tokens and more (see design.md).
    static func tolerance(_ model: String) -> Float { model == TestModels.fledgling ? 0.25 : 0.02 }

    /// The second turn of a conversation in an engine that never loses its KV cache.
    static func uninterrupted(_ model: String, _ chat: Chat) async -> EventLog.Completion {
        let running = RunningEngine(model: model) { $0.kvCacheLayout = .separate }
        var chat = chat
        chat.addTurn(await complete(chat, running).tokens)
        defer { running.engine.shutdown() }
        return await complete(chat, running)
    }

    /// The largest difference of the four largest logprobs behind two prompts, by their rank.
    static func difference(_ first: EventLog.Completion, _ second: EventLog.Completion) -> Float {
        guard let one = first.probabilities.first, let other = second.probabilities.first, first.error == nil else {
            return .infinity
        }
        return (1..<min(one.count, other.count)).map { abs(one[$0].value - other[$0].value) }.max() ?? .infinity
    }

    @Test(arguments: models) func eightConversationsContinueOnFourSequences(model: String) async {
        let running = RunningEngine(model: model) {
            $0.sequenceCount = 4
            $0.kvCacheLayout = .separate
        }
        var chats = (0..<8).map { Chat(salt: $0, count: 1_200) }
        for index in chats.indices {
            let completion = await Self.complete(chats[index], running)
            #expect(completion.cachedTokens == 0)
            chats[index].addTurn(completion.tokens)
        }
        for index in chats.indices {
            let cached = await Self.complete(chats[index], running)
            // All but the new turn, the last token of the reply and less than one chunk.
            #expect(cached.cachedTokens >= 1_216 - 64, "conversation \(index)")
            let fresh = await Self.complete(chats[index], running) { $0.parameters.reusesPrompt = false }
            #expect(Self.difference(cached, fresh) < Self.tolerance(model), "conversation \(index)")
            guard index % 4 == 0 else { continue }
            let expected = await Self.uninterrupted(model, Chat(salt: index, count: 1_200))
            #expect(Self.difference(cached, expected) < 0.001, "conversation \(index)")
            #expect(cached.tokens == expected.tokens)
        }
        let status = try? await running.engine.status()
        let ram = status?.cache.tiers.first { $0.tier == .ram }
        #expect((ram?.reusedTokens ?? 0) >= 4 * 1_152)
        running.engine.shutdown()
    }

    @Test(arguments: models) func aConversationSurvivesARestart(model: String) async throws {
        let folder = Folder()
        func engine() -> RunningEngine {
            RunningEngine(model: model) {
                $0.sequenceCount = 2
                $0.diskCache = DiskCacheSettings(folder: folder.path)
            }
        }
        var chat = Chat(salt: 3, count: 700)
        let first = engine()
        let completion = await Self.complete(chat, first)
        first.engine.shutdown()
        #expect(try folder.files.count == 1)
        chat.addTurn(completion.tokens)
        let second = engine()
        let cached = await Self.complete(chat, second)
        #expect(cached.cachedTokens >= 715 - 63)
        let fresh = await Self.complete(chat, second) { $0.parameters.reusesPrompt = false }
        #expect(Self.difference(cached, fresh) < Self.tolerance(model))
        let expected = await Self.uninterrupted(model, Chat(salt: 3, count: 700))
        #expect(Self.difference(cached, expected) < 0.001)
        #expect(cached.tokens == expected.tokens)
        let status = try await second.engine.status()
        #expect(status.cache.tiers.first { $0.tier == .disk }?.reusedTokens == UInt64(cached.cachedTokens))
        second.engine.shutdown()
    }

    /// A context of 4,096 tokens has plain attention, whose own micro-batch of 64 tokens moves no checkpoint.
    @Test(arguments: models, [1_024, 4_096])
    func anEditedMessageContinuesAtACheckpoint(model: String, contextLength: Int) async {
        let running = RunningEngine(model: model) {
            $0.sequenceCount = 2
            $0.contextLength = contextLength
        }
        let chat = Chat(salt: 5, count: 900)
        _ = await Self.complete(chat, running)
        // The last 400 tokens of the prompt differ. A checkpoint is 4 + 512 tokens before the end.
        var edited = chat
        for index in 500..<900 { edited.history[index] = Int32(330 - index % 50) }
        let cached = await Self.complete(edited, running) { $0.parameters.cache.isExplained = true }
        #expect(cached.cachedTokens >= 384)
        let isRecurrent = ["micro-hybrid", "micro-mamba"].map(TestModels.random).contains(model)
        // Attention goes back to any token, and a window may still exist.
        if isRecurrent { #expect(cached.summary?.cacheReport?.usesCheckpoint == true) }
        if model == TestModels.fledgling { #expect(cached.summary?.cacheReport?.usesCheckpoint == false) }
        let fresh = await Self.complete(edited, running) { $0.parameters.reusesPrompt = false }
        #expect(Self.difference(cached, fresh) < Self.tolerance(model))
        running.engine.shutdown()
    }

    @Test func aDamagedFileIsDroppedAndThePromptIsComputed() async throws {
        let folder = Folder()
        func engine() -> RunningEngine {
            RunningEngine { $0.diskCache = DiskCacheSettings(folder: folder.path) }
        }
        var chat = Chat(salt: 4, count: 300)
        let first = engine()
        chat.addTurn(await Self.complete(chat, first).tokens)
        first.engine.shutdown()
        let file = try #require(try folder.files.first)
        var bytes = try Data(contentsOf: URL(filePath: file))
        bytes[bytes.count - 9] ^= 1
        try bytes.write(to: URL(filePath: file))
        let second = engine()
        let completion = await Self.complete(chat, second)
        #expect(completion.error == nil)
        #expect(completion.cachedTokens == 0)
        #expect(completion.tokens.count == 16)
        let status = try await second.engine.status()
        #expect(status.cache.tiers.first { $0.tier == .disk }?.damaged == 1)
        second.engine.shutdown()
        #expect(try !folder.files.contains(file))
    }

    @Test func anotherModelDoesNotUseAFile() async throws {
        let folder = Folder()
        let chat = Chat(salt: 4, count: 300)
        func completion(_ change: (inout EngineConfiguration) -> Void) async -> EventLog.Completion {
            let running = RunningEngine {
                $0.diskCache = DiskCacheSettings(folder: folder.path)
                change(&$0)
            }
            defer { running.engine.shutdown() }
            return await Self.complete(chat, running)
        }
        _ = await completion { _ in }
        let other = await completion { $0.keyCacheType = .f32 }
        #expect(other.cachedTokens == 0)
        let same = await completion { _ in }
        #expect(same.cachedTokens >= 256)
        #expect(try folder.files.count == 2)
    }

    @Test func noTokenCrossesAScope() async throws {
        let folder = Folder()
        let running = RunningEngine {
            $0.sequenceCount = 4
            $0.diskCache = DiskCacheSettings(folder: folder.path)
            // Room for a few prefixes only.
            $0.kvStateCacheByteCount = 4 << 20
        }
        // All scopes have the same system prompt and a canary of their own behind it.
        let system = Chat(salt: 1, count: 128).history
        func prompt(_ scope: Int, turn: Int) -> Chat {
            var chat = Chat(salt: 1, count: 0)
            chat.history = system + (0..<40).map { Int32(20 + ($0 * 13 + scope * 17) % 300) }
            chat.history += (0..<turn * 20).map { Int32(20 + ($0 * 3 + scope) % 300) }
            return chat
        }
        var known: [Int: Int] = [:]
        for turn in 1...2 {
            for scope in 1...64 {
                let chat = prompt(scope, turn: turn)
                let completion = await Self.complete(chat, running, count: 4) {
                    $0.tenant.cacheScope = UInt64(scope)
                }
                #expect(completion.error == nil)
                // The first request of a scope finds nothing, although the system prompt is cached for others.
                #expect(completion.cachedTokens <= known[scope] ?? 0, "scope \(scope)")
                known[scope] = chat.history.count + 4
            }
        }
        // A foreign prompt finds nothing in another scope.
        for scope in [1, 32, 64] {
            let completion = await Self.complete(prompt(scope, turn: 2), running, count: 4) {
                $0.tenant.cacheScope = UInt64(scope + 1_000)
            }
            #expect(completion.cachedTokens == 0)
        }
        running.engine.shutdown()
    }

    @Test func requestsWithoutRetentionAreNotSaved() async throws {
        let folder = Folder()
        let running = RunningEngine {
            $0.sequenceCount = 1
            $0.diskCache = DiskCacheSettings(folder: folder.path)
        }
        _ = await Self.complete(Chat(salt: 1, count: 200), running) { $0.parameters.cache.retention = .none }
        _ = await Self.complete(Chat(salt: 2, count: 200), running)
        running.engine.shutdown()
        #expect(try folder.files.count == 1)
    }

    @Test func anEngineWithoutSlotActionsRefusesFiles() async throws {
        let running = RunningEngine()
        defer { running.engine.shutdown() }
        let refusal = EngineError(.invalidRequest, "Slot actions are not permitted (--slot-save-path).")
        for kind in [SlotAction.Kind.save(path: "/none/chat.bin"), .restore(path: "/none/chat.bin")] {
            await #expect(throws: refusal) { try await running.engine.perform(SlotAction(kind, slot: 0)) }
        }
    }

    @Test(arguments: models) func aSlotIsSavedRestoredAndErased(model: String) async throws {
        let folder = Folder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        // The folder of a cache scope is made by its first file.
        let path = folder.path + "/scope/chat.bin"
        func engine() -> RunningEngine {
            RunningEngine(model: model) {
                $0.sequenceCount = 2
                $0.permitsSlotActions = true
            }
        }
        let running = engine()
        var chat = Chat(salt: 6, count: 500)
        let completion = await Self.complete(chat, running)
        let slot = try #require(completion.summary?.slot)
        let count = try #require(completion.summary?.kvCacheTokens)
        chat.addTurn(completion.tokens)
        let saved = try await running.engine.perform(SlotAction(.save(path: path), slot: slot))
        #expect(saved.tokenCount == count)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int == saved.byteCount)
        await #expect(throws: EngineError(.invalidRequest, "Slot \(1 - slot) has no cached tokens to save.")) {
            try await running.engine.perform(SlotAction(.save(path: path), slot: 1 - slot))
        }
        // Another scope neither saves nor reads it.
        await #expect(throws: EngineError.self) {
            try await running.engine.perform(SlotAction(.save(path: path), slot: slot, cacheScope: 9))
        }
        await #expect(throws: EngineError(.invalidRequest, "The file belongs to another owner.")) {
            try await running.engine.perform(SlotAction(.restore(path: path), slot: 0, cacheScope: 9))
        }
        let erased = try await running.engine.perform(SlotAction(.erase, slot: slot))
        #expect(erased.tokenCount == count)
        await #expect(throws: EngineError.self) {
            try await running.engine.perform(SlotAction(.erase, slot: 2))
        }
        running.engine.shutdown()

        let other = engine()
        let restored = try await other.engine.perform(SlotAction(.restore(path: path), slot: 1))
        #expect(restored.tokenCount == count)
        #expect(restored.byteCount == saved.byteCount)
        let cached = await Self.complete(chat, other)
        #expect(cached.cachedTokens >= count - 63)
        let expected = await Self.uninterrupted(model, Chat(salt: 6, count: 500))
        #expect(Self.difference(cached, expected) < 0.001)
        #expect(cached.tokens == expected.tokens)
        await #expect(throws: EngineError.self) {
            try await other.engine.perform(SlotAction(.restore(path: folder.path + "/none.bin"), slot: 0))
        }
        other.engine.shutdown()
    }
}
