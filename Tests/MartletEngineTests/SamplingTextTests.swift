import MartletProtocol
import Testing

@testable import MartletEngine

/// Texts of logit biases and sequence breakers reach the engine thread as tokens.
@Suite(.timeLimit(.minutes(15))) struct SamplingTextTests {
    private static let story = "Tell me a long story about a small bird."

    /// A change of settings, and its name in a failure.
    struct Change: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: SettingsChange

        init(
            _ name: String, _ keys: [AdjustableSettingKey], _ set: (inout SamplingParameters) -> Void
        ) {
            testDescription = name
            var change = SettingsChange(keys: keys)
            set(&change.values.sampling)
            self.change = change
        }

        static let all = [
            Change("bias", [.logitBiases]) {
                $0.logitBiases = [LogitBias(.text(" bird the a"), bias: -.infinity), LogitBias(.token(300), bias: 9)]
            },
            // The request itself does not use DRY, so a command switches it on with the request's own breakers.
            Change("multiplier", [.dryMultiplier, .dryAllowedLength]) {
                ($0.dry.multiplier, $0.dry.allowedLength) = (20, 0)
            },
            Change("breakers", [.dryMultiplier, .dryAllowedLength, .drySequenceBreakers]) {
                ($0.dry.multiplier, $0.dry.allowedLength, $0.dry.sequenceBreakers) = (20, 0, [" bird", "the", "."])
            },
            Change("everything", [.logitBiases, .dryMultiplier, .dryAllowedLength, .drySequenceBreakers]) {
                ($0.dry.multiplier, $0.dry.allowedLength, $0.dry.sequenceBreakers) = (5, 1, [])
                $0.logitBiases = [LogitBias(.text(" and"), bias: -.infinity)]
            },
        ]
    }

    @Test(arguments: Change.all) func changedTextsEqualTextsOfTheRequest(_ test: Change) throws {
        let bench = try ControlBench()
        let plain = try bench.submit(Self.story)
        bench.run(plain)
        let wanted = try bench.submit(Self.story) { $0.settings.apply(test.change) }
        bench.run(wanted)
        let expected = bench.completion(wanted).tokens
        #expect(expected != bench.completion(plain).tokens, "the change must have an effect")

        let changed = try bench.submit(Self.story)
        let number = bench.post(.set(test.change), changed)
        bench.run(changed, to: 30)
        guard case .applied(.changed, token: 0) = bench.result(number, changed) else {
            Issue.record("\(String(describing: bench.result(number, changed)))")
            return
        }
        // A fork without changes and a rewind use the tokens of the change.
        let fork = bench.newForkHandle()
        bench.send(.fork([ForkedGeneration(handle: fork, changes: SettingsChange())]), changed)
        bench.send(.rewind(.token(5)), changed)
        for handle in [changed, fork] {
            bench.run(handle)
            #expect(bench.completion(handle).tokens == expected)
        }
    }

    @Test(arguments: Change.all) func textsOfAForkEqualTextsOfASet(_ test: Change) throws {
        let bench = try ControlBench()
        let handle = try bench.submit(Self.story)
        bench.run(handle, to: 10)
        let fork = bench.newForkHandle()
        let number = bench.post(.fork([ForkedGeneration(handle: fork, changes: test.change)]), handle)
        bench.send(.set(test.change), handle)
        guard case .applied = bench.result(number, handle) else {
            Issue.record("\(String(describing: bench.result(number, handle)))")
            return
        }
        for handle in [handle, fork] { bench.run(handle) }
        #expect(bench.completion(handle).tokens == bench.completion(fork).tokens)
    }

    /// The prepared tokens differ from the text on purpose: a text that were read again would not forbid the token.
    @Test func theEngineThreadReadsTokensAndNoText() throws {
        let bench = try ControlBench()
        let whole = try bench.submit(Self.story)
        bench.run(whole)
        let tokens = bench.completion(whole).tokens
        let forbidden = try #require(tokens.dropFirst(20).first { !tokens.prefix(20).contains($0) })
        let handle = try bench.submit(Self.story)
        let change = Change("text", [.logitBiases]) { $0.logitBiases = [LogitBias(.text("zz"), bias: -.infinity)] }
        let command = ControlCommand(
            handle: handle, number: CommandNumber(rawValue: 1_000), action: .set(change.change))
        let resolved = ResolvedChange(biases: [TokenBias(token: forbidden, bias: -.infinity)])
        bench.mailbox.post(
            .control(PreparedCommand(command: command, tokens: nil, changes: .success([resolved]))))
        bench.run(handle, to: 15)
        bench.send(.rewind(.token(2)), handle)
        bench.run(handle)
        #expect(!bench.completion(handle).tokens.contains(forbidden))
        #expect(bench.completion(handle).tokens.prefix(20) == tokens.prefix(20))
    }

    @Test func anInvalidTokenOfAForkRefusesTheFork() throws {
        let bench = try ControlBench()
        let handle = try bench.submit(Self.story)
        bench.run(handle, to: 2)
        let change = Change("token", [.logitBiases]) { $0.logitBiases = [LogitBias(.token(5_000), bias: 1)] }
        let forks = [SettingsChange(), change.change].map {
            ForkedGeneration(handle: bench.newForkHandle(), changes: $0)
        }
        guard case .refused(.invalid(let message)) = bench.send(.fork(forks), handle) else {
            Issue.record("not refused")
            return
        }
        #expect(message.contains("token 5000 is not in the vocabulary"))
        #expect(forks.allSatisfy { bench.log.events(of: $0.handle).isEmpty })
    }

    @Test func onlyChangesWithTextsArePrepared() {
        func needsPreparation(_ action: ControlAction) -> Bool {
            ControlCommand(
                handle: GenerationHandle(rawValue: 1), number: CommandNumber(rawValue: 1), action: action
            ).needsPreparation
        }
        for key in AdjustableSettingKey.allCases {
            let hasTexts = key == .logitBiases || key == .drySequenceBreakers
            let change = SettingsChange(keys: [key])
            let fork = ForkedGeneration(handle: GenerationHandle(rawValue: 2), changes: change)
            #expect(needsPreparation(.set(change)) == hasTexts, "\(key)")
            #expect(
                needsPreparation(.fork([ForkedGeneration(handle: fork.handle, changes: .seed(1)), fork])) == hasTexts)
        }
        #expect(!needsPreparation(.rewind(.text("a"))))
    }
}
