import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

/// The choice of the method of attention, and what it must not change.
@Suite struct PlainAttentionTests {
    private func isFaster(_ change: (inout PlainAttention.Setting) -> Void = { _ in }) -> Bool {
        var setting = PlainAttention.Setting(
            sequenceLength: 4_096, headCount: 4, isUnified: false, hasDevices: false, keyType: .f16, valueType: .f16,
            speculates: false)
        change(&setting)
        return PlainAttention.isFaster(setting, isMeasured: true)
    }

    @Test func longSequencesWithCachesOfTheirOwnUsePlainAttention() {
        #expect(isFaster())
        #expect(isFaster { ($0.keyType, $0.valueType) = (.f32, .f32) })
        #expect(isFaster { $0.sequenceLength = 2_048 })
        #expect(!isFaster { $0.sequenceLength = 2_047 })
        #expect(!isFaster { $0.isUnified = true })
        #expect(!isFaster { $0.hasDevices = true })
        #expect(!isFaster { $0.keyType = .q8_0 })
        #expect(!isFaster { $0.valueType = .q4_0 })
        #expect(!isFaster { $0.speculates = true })
        #expect(isFaster { $0.sequenceLength = 65_536 })
        #expect(!isFaster { $0.sequenceLength = 65_537 })
        #expect(!isFaster { ($0.sequenceLength, $0.headCount) = (.max / 2, 64) })
    }

    @Test func otherProcessorsKeepFlashAttention() {
        let setting = PlainAttention.Setting(
            sequenceLength: 4_096, headCount: 4, isUnified: false, hasDevices: false, keyType: .f16, valueType: .f16,
            speculates: false)
        #expect(!PlainAttention.isFaster(setting, isMeasured: false))
    }

    /// A second turn that reuses the first one has the output of an engine without reuse, at every remainder of the
    /// lengths.
    @Test(arguments: [true, false]) func reuseChangesNoToken(usesFlashAttention: Bool) async {
        let running = RunningEngine {
            $0.flashAttention = usesFlashAttention ? .on : .off
            $0.sequenceCount = 2
        }
        let head = (0..<300).map { Int32(20 + $0 * 17 % 400) }
        func prompt(_ rest: Int) -> Prompt {
            Prompt(pieces: [.tokens(head + (0..<rest).map { Int32(30 + $0 * 3 % 300) })], addsBeginning: false)
        }
        _ = await running.completion(prompt(0))
        for rest in [0, 1, 2, 3, 20, 63, 64, 65] {
            let reused = await running.completion(prompt(rest)) { $0.parameters.maximumTokens = 16 }
            let alone = await running.completion(prompt(rest)) {
                $0.parameters.maximumTokens = 16
                $0.parameters.reusesPrompt = false
            }
            #expect(reused.tokens == alone.tokens, "\(rest) new tokens")
        }
        running.engine.shutdown()
    }
}
