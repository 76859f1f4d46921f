import MartletEngine
import MartletGrammar
import MartletProtocol
import Testing

@Suite struct ConstraintTests {
    private func constraint(_ text: String) throws -> GenerationConstraint {
        GenerationConstraint(try GBNFParser.grammar(text.utf8))
    }

    private static let json = #"""
        root ::= object
        object ::= "{" (pair ("," pair){0,2})? "}"
        pair ::= string ":" value
        value ::= object | "[" (value ("," value){0,2})? "]" | string | [0-9]{1,4} | "true"
        string ::= "\"" [^"\\\x00-\x1f]{0,12} "\""
        """#

    @Test func outputFollowsTheGrammarAtAnyTemperature() async throws {
        let constraint = try constraint(Self.json)
        let running = RunningEngine()
        for seed in UInt64(0)..<12 {
            let completion = await running.completion(RunningEngine.chat("Tell me a story.")) {
                $0.parameters.constraint = constraint
                $0.parameters.maximumTokens = 300
                $0.parameters.sampling.seed = seed
                $0.parameters.sampling.temperature = seed % 3 == 0 ? 0 : 3
                if seed % 2 == 0 { $0.parameters.sampling.repeatPenalty = 1.3 }
                if seed % 4 == 1 { $0.parameters.sampling.topK = 0 }
                if seed == 5 { $0.parameters.sampling.mirostat = .second }
            }
            #expect(completion.error == nil, "\(completion)")
            var matcher = GrammarMatcher(constraint.grammar)
            let isAccepted = matcher.accept(completion.text.utf8)
            #expect(isAccepted, "\(completion.text)")
            if completion.summary?.reason == .endOfGeneration { #expect(matcher.isComplete, "\(completion.text)") }
        }
        running.engine.shutdown()
    }

    @Test func aCompleteGrammarEndsTheGeneration() async throws {
        let running = RunningEngine()
        let constraint = try constraint(#"root ::= "yes" | "no""#)
        let completion = await running.completion(RunningEngine.chat("Hello!")) {
            $0.parameters.constraint = constraint
            $0.parameters.ignoresEndOfGeneration = true
        }
        running.engine.shutdown()
        #expect(["yes", "no"].contains(completion.text))
        #expect(completion.summary?.reason == .endOfGeneration)
    }

    @Test func grammarThatFitsChangesNothing() async throws {
        let running = RunningEngine()
        let constraint = try constraint("root ::= .*")
        for temperature: Float in [0, 1] {
            func completion(_ constraint: GenerationConstraint?) async -> EventLog.Completion {
                await running.completion(RunningEngine.chat("Tell me a story about a fox.")) {
                    $0.parameters.sampling.temperature = temperature
                    $0.parameters.sampling.seed = 3
                    $0.parameters.sampling.frequencyPenalty = 0.1
                    $0.parameters.probabilities = ProbabilityRequest(count: 3, stage: .beforeSampling)
                    $0.parameters.constraint = constraint
                }
            }
            let (free, bound) = await (completion(nil), completion(constraint))
            #expect(bound.tokens == free.tokens)
            #expect(bound.probabilities == free.probabilities)
        }
        running.engine.shutdown()
    }

    @Test func seedFixesWhatIsResampled() async throws {
        let running = RunningEngine()
        let constraint = try constraint("root ::= [A-Z][a-z]{30}")
        func completion(_ seed: UInt64, _ continuation: [Int32] = []) async -> EventLog.Completion {
            await running.completion(RunningEngine.chat("Hello!")) {
                $0.parameters.constraint = constraint
                $0.parameters.sampling.temperature = 2
                $0.parameters.sampling.seed = seed
                $0.continuation = continuation
            }
        }
        let (first, second, other) = await (completion(1), completion(1), completion(2))
        #expect(first.tokens == second.tokens)
        #expect(first.tokens != other.tokens)
        #expect(first.text.count == 31)
        // A continued completion has the same remaining tokens.
        let continued = await completion(1, Array(first.tokens.prefix(3)))
        #expect(Array(first.tokens.prefix(3)) + continued.tokens == first.tokens)
        running.engine.shutdown()
    }

    @Test func continuationThatTheGrammarDoesNotAllowIsRefused() async throws {
        let running = RunningEngine()
        let constraint = try constraint("root ::= [0-9]{5}")
        let free = await running.completion(RunningEngine.chat("Hello!")) { $0.parameters.maximumTokens = 4 }
        let completion = await running.completion(RunningEngine.chat("Hello!")) {
            $0.parameters.constraint = constraint
            $0.continuation = free.tokens
        }
        running.engine.shutdown()
        #expect(completion.error?.code == .invalidRequest)
    }

    @Test func probabilitiesAreTheModelsOwn() async throws {
        let running = RunningEngine()
        let constraint = try constraint("root ::= [QXZ]{4}")
        let completion = await running.completion(RunningEngine.chat("Hello!")) {
            $0.parameters.constraint = constraint
            $0.parameters.probabilities = ProbabilityRequest(count: 2, stage: .beforeSampling)
        }
        running.engine.shutdown()
        let first = try #require(completion.probabilities.first)
        // The most likely token without the grammar is reported too.
        #expect(first[1].id != first[0].id)
        #expect(first[1].value > first[0].value)
    }

    @Test func lazyGrammarHoldsFromItsTriggerOn() async throws {
        let running = RunningEngine()
        let free = await running.completion(RunningEngine.chat("Count from 1 to 5."))
        #expect(free.text.contains("3"), "\(free.text)")
        let grammar = try GBNFParser.grammar(#"root ::= "3" ("!" | "?"){2}"#.utf8)
        let constraint = try GenerationConstraint(grammar, after: [.text("3")], includesTrigger: true)
        let completion = await running.completion(RunningEngine.chat("Count from 1 to 5.")) {
            $0.parameters.constraint = constraint
        }
        running.engine.shutdown()
        let before = free.text.prefix { $0 != "3" }
        #expect(completion.text.hasPrefix(before + "3"), "\(completion.text)")
        #expect(completion.text.count == before.count + 3)
        #expect(completion.text.dropFirst(before.count + 1).allSatisfy { "!?".contains($0) })
        #expect(completion.summary?.reason == .endOfGeneration)
    }

    @Test func unknownTokenIsRefused() async throws {
        let running = RunningEngine()
        for text in ["root ::= <[99999999]>", "root ::= <no such token>"] {
            let constraint = try constraint(text)
            let completion = await running.completion(RunningEngine.chat("Hello!")) {
                $0.parameters.constraint = constraint
            }
            #expect(completion.error?.code == .invalidRequest)
            #expect(completion.error?.message.contains("grammar") == true)
        }
        running.engine.shutdown()
    }

    @Test func deadEndIsReported() async throws {
        let running = RunningEngine()
        // A token that is text can be excluded by its name.
        let constraint = try constraint(#"root ::= "a""#)
        let completion = await running.completion(RunningEngine.chat("Hello!")) {
            $0.parameters.constraint = constraint
            $0.parameters.sampling.logitBiases = [LogitBias(.text("a"), bias: -.infinity)]
        }
        running.engine.shutdown()
        #expect(completion.error?.code == .invalidRequest)
        #expect(completion.error?.message.contains("grammar") == true, "\(completion)")
    }

    @Test func manyConstrainedStreamsDoNotDisturbEachOther() async throws {
        let constraint = try constraint(Self.json)
        let running = RunningEngine { $0.grammarLimits.cacheBytes = 1 << 14 }
        func completion(_ seed: UInt64) async -> [Int32] {
            await running.completion(RunningEngine.chat("Hello!")) {
                $0.parameters.constraint = constraint
                $0.parameters.sampling.temperature = 2
                $0.parameters.sampling.seed = seed
            }.tokens
        }
        var alone: [[Int32]] = []
        for seed in UInt64(0)..<8 { alone.append(await completion(seed)) }
        let together = await withTaskGroup(of: (Int, [Int32]).self) { group in
            for seed in 0..<8 { group.addTask { (seed, await completion(UInt64(seed))) } }
            return await group.reduce(into: [Int: [Int32]]()) { $0[$1.0] = $1.1 }
        }
        for seed in 0..<8 { #expect(together[seed] == alone[seed]) }
        running.engine.shutdown()
    }
}
