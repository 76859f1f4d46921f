import MartletGenerations
import MartletProtocol
import MartletStreams
import Testing

struct GenerationErrorTests {
    @Test(arguments: GenerationError.Kind.allCases) func everyKindBecomesATerminalEvent(
        kind: GenerationError.Kind
    ) {
        var error = GenerationError(kind, "message", field: "messages[2].role")
        error.promptTokens = 9
        error.contextSize = 8
        let engineError = EngineError(error)
        #expect(engineError.message == "message")
        #expect(engineError.parameter == "messages[2].role")
        #expect(engineError.promptTokens == 9 && engineError.contextSize == 8)
    }

    @Test func aRefusalOfTheEngineKeepsItsClassInALog() {
        for code in [EngineError.Code.invalidRequest, .contextExceeded, .overloaded, .shuttingDown] {
            let error = EngineError(code, "message")
            #expect(EngineError(GenerationError(error)).code == code)
        }
    }

    @Test func anInvalidGrammarHasACodeForPrograms() {
        let error = EngineError(.invalidRequest, "message", parameter: "grammar")
        #expect(GenerationError(error).code == "invalid_grammar")
    }

    @Test func aFullServerAndAFullOwnerAreDifferentErrors() {
        #expect(GenerationError(GenerationQuota.Excess.total(limit: 7)).kind == .overloaded)
        let error = GenerationError(GenerationQuota.Excess.perOwner(limit: 7))
        #expect(error.kind == .rateLimited)
        #expect(error.message.contains("--max-generations-per-key"))
    }

    @Test func aCommandAfterTheEndReportsHowTheGenerationEnded() {
        let finished = GenerationError.ended(EndReason.finished(.tokenLimit))
        #expect(finished.kind == .conflict && finished.reason == "finished")
        #expect(finished.message == "The generation ended with finish_reason \"length\"")
        let failed = GenerationError.ended(LogEvent.failed(EngineError(.engineLost, "the worker died")))
        #expect(failed.message == "The generation failed: the worker died")
        #expect(GenerationError.ended(nil as LogEvent?).kind == .unavailable)
    }

    @Test func aRefusedForkCanSucceedLater() {
        #expect(GenerationError(ControlRefusal.noFreeSequence(idle: 0)).kind == .rateLimited)
        #expect(GenerationError(ControlRefusal.notPaused).kind == .conflict)
    }
}
