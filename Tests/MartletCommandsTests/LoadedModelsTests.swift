import MartletJSON
import Testing

@testable import MartletCommands

/// The table of `martlet ps`.
@Suite struct LoadedModelsTests {
    private static let list: JSONValue = [
        "data": [
            [
                "id": "a", "size": 1_048_576, "meta": ["n_ctx": 4_096],
                "status": ["phase": "ready", "running": 2, "waiting": 1],
            ],
            ["id": "b", "status": ["phase": "loading", "fraction": 0.42]],
            ["id": "c", "status": ["phase": "unloaded"]],
            ["id": "d", "status": ["phase": "failed", "error": "is cut off\nline 2"]],
        ]
    ]

    @Test func modelsThatAreNotLoadedAreLeftOut() {
        let table = LoadedModelsCommand.table(Self.list, all: false)
        #expect(table.contains("\na     ready        3         4096 "))
        #expect(table.contains("\nb     loading 42%  0 "))
        #expect(!table.contains("\nc "))
        #expect(table.hasSuffix("\nd: is cut off; line 2\n"))
        #expect(LoadedModelsCommand.table(Self.list, all: true).contains("\nc     unloaded "))
    }

    @Test func aPlanIsATableForPeople() {
        let plan: JSONValue = [
            "needs": [1_048_576, 2_097_152], "free": [4_194_304, 0], "fits": true, "fits_now": true,
            "would_unload": ["a", "b"], "largest_context_length": 512,
        ]
        let text = LoadPlanText.text(plan)
        #expect(text.contains("1.0 MiB; on device 1: 2.0 MiB") && text.contains("yes, after unloading a, b"))
        #expect(text.contains("512 tokens of context"))
        #expect(LoadPlanText.text(["fits": false, "fits_now": false]).contains("NO"))
        #expect(LoadPlanText.text(["fits": true, "fits_now": false]).contains("later"))
    }

    /// `martlet load` ends with the load, also if the model is unloaded again before the command sees it loaded.
    @Test func aLoadHasAnEnd() {
        func state(_ status: JSONValue) -> LoadState {
            LoadState.of("a", in: ["data": [["id": "b"], ["id": "a", "status": status]]])
        }
        #expect(state(["phase": "ready", "pending": false]) == .loaded)
        #expect(state(["phase": "failed", "error": "is cut\toff"]) == .ended("a: is cut\u{FFFD}off"))
        #expect(state(["phase": "failed", "error": "is cut off\nits log"]) == .ended("a: is cut off; its log"))
        #expect(state(["phase": "loading", "fraction": 0.5, "pending": false]) == .loading(0.5))
        for phase: JSONValue in ["downloading", "draining"] {
            #expect(state(["phase": phase, "pending": false]) == .loading(nil))
        }
        for phase: JSONValue in ["unloaded", "sleeping", "absent"] {
            #expect(state(["phase": phase, "pending": true]) == .loading(nil))
            #expect(
                state(["phase": phase, "pending": false])
                    == .ended("a is not loaded: the load was ended, or the model was unloaded again"))
        }
        #expect(LoadState.of("a", in: ["data": []]) == .ended("the server has no model 'a' any more"))
        // llama-server's own states, and a server of one model.
        #expect(state(["value": "loaded"]) == .loaded && state(["value": "loading"]) == .loading(nil))
        #expect(state(["value": "unloaded", "failed": true]) == .ended("a: failed"))
        #expect(LoadState.of("a", in: ["data": [["id": "a"]]]) == .loaded)
        // Names are compared by their bytes.
        #expect(LoadState.of("caf\u{E9}", in: ["data": [["id": "cafe\u{301}"]]]) != .loaded)
    }

    @Test func aWaitReadsTheListUntilTheLoadHasEnded() async {
        var phases = ["loading", "unloaded", "draining", "ready", "failed"]
        var fractions: [Double?] = []
        let state = await LoadState.wait(for: "a") { () -> JSONValue in
            let phase = phases.removeFirst()
            return ["data": [["id": "a", "status": ["phase": .string(phase), "fraction": 0.25]]]]
        } progress: {
            fractions.append($0)
        }
        #expect(state == .loaded && phases == ["failed"])
        #expect(fractions == [0.25, nil, 0.25])
    }

    @Test func theModelOfAServerWithOneModelIsReady() {
        let table = LoadedModelsCommand.table(["data": [["id": "a"]]], all: false)
        #expect(table.contains("a     ready "))
    }
}
