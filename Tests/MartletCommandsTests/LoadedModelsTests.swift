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

    /// `martlet load` ends with the load, also if the model is unloaded again before the command sees it loaded.
    @Test func aLoadHasAnEnd() {
        func outcome(_ status: JSONValue) -> LoadCommand.Outcome? {
            LoadCommand.outcome(of: "a", in: ["data": [["id": "a", "status": status]]])
        }
        #expect(outcome(["phase": "ready", "pending": false]) == .loaded)
        #expect(outcome(["phase": "failed", "error": "is cut off"]) == .ended("a: is cut off"))
        for phase: JSONValue in ["loading", "downloading", "draining"] {
            #expect(outcome(["phase": phase, "pending": false]) == nil)
        }
        for phase: JSONValue in ["unloaded", "sleeping", "absent"] {
            #expect(outcome(["phase": phase, "pending": true]) == nil)
            #expect(
                outcome(["phase": phase, "pending": false])
                    == .ended("a is not loaded: the load was ended, or the model was unloaded again"))
        }
        #expect(LoadCommand.outcome(of: "a", in: ["data": []]) == .ended("the server has no model 'a' any more"))
    }

    @Test func theModelOfAServerWithOneModelIsReady() {
        let table = LoadedModelsCommand.table(["data": [["id": "a"]]], all: false)
        #expect(table.contains("a     ready "))
    }
}
