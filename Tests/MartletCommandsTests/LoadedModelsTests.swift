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

    @Test func theModelOfAServerWithOneModelIsReady() {
        let table = LoadedModelsCommand.table(["data": [["id": "a"]]], all: false)
        #expect(table.contains("a     ready "))
    }
}
