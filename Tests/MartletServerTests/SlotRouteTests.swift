import MartletJSON
import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletServer

/// `/slots/{id}?action=…` with llama-server's shapes.
@Suite(.timeLimit(.minutes(15))) struct SlotRouteTests {
    private static func run(_ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.run(configure: { $0.slotSavePath = "/saved" }) { server async throws in
            var status = EngineStatus()
            status.slots = [SlotStatus(index: 0)]
            status.slots[0].kvCacheTokens = 12
            server.engine.setStatus(status)
            try await body(server)
        }
    }

    private static func post(
        _ path: String, _ body: String? = nil, _ server: TestServer
    ) async throws -> (status: Int, body: JSONValue) {
        let (head, text) = try await server.send("POST", path, body: body)
        return (head.status, try json(text))
    }

    @Test func actionsHaveLlamaServersMembers() async throws {
        try await Self.run { server async throws in
            let saved = try await Self.post("/slots/0?action=save", #"{"filename":"a.bin"}"#, server)
            #expect(saved.status == 200)
            #expect(saved.body["id_slot"] == 0 && saved.body["filename"] == "a.bin")
            #expect(saved.body["n_saved"] == 12 && saved.body["n_written"] == 48)
            #expect(saved.body["timings"]?["save_ms"] != nil)
            let restored = try await Self.post("/slots/0?action=restore", #"{"filename":"a.bin"}"#, server).body
            #expect(restored["n_restored"] == 12 && restored["n_read"] == 48)
            #expect(restored["timings"]?["restore_ms"] != nil)
            #expect(try await Self.post("/slots/0?action=erase", nil, server).body == ["id_slot": 0, "n_erased": 12])
            let kinds = server.engine.slotActions.map(\.kind)
            #expect(kinds == [.save(path: "/saved/a.bin"), .restore(path: "/saved/a.bin"), .erase])
        }
    }

    @Test func aNameMeansADifferentFileForEachKey() async throws {
        try await TestServer.run(configure: {
            $0.slotSavePath = "/saved"
            $0.apiKeys = ["first", "second"]
        }) { server async throws in
            var status = EngineStatus()
            status.slots = [SlotStatus(index: 0)]
            server.engine.setStatus(status)
            for key in ["first", "second", "first"] {
                let (head, _) = try await server.send(
                    "POST", "/slots/0?action=save", headers: [("Authorization", "Bearer \(key)")],
                    body: #"{"filename":"a.bin"}"#)
                #expect(head.status == 200)
            }
            let paths = server.engine.slotActions.map(\.kind)
            #expect(paths[0] == paths[2] && paths[0] != paths[1])
        }
    }

    @Test(arguments: [
        ("/slots/0?action=save", #"{"filename":"../a"}"#, "filename"),
        ("/slots/0?action=save", #"{"filename":"a/b"}"#, "filename"),
        ("/slots/0?action=restore", #"{"filename":""}"#, "filename"),
        ("/slots/0?action=restore", #"{"filename":7}"#, "filename"), ("/slots/0?action=save", "{}", "filename"),
        ("/slots/0?action=melt", "{}", "action"), ("/slots/0", "{}", "action"),
        ("/slots/-1?action=erase", "{}", "id_slot"), ("/slots/x?action=erase", "{}", "id_slot"),
        ("/slots/999?action=erase", "{}", "id_slot"),
    ])
    func wrongActionIsRefusedByName(path: String, body: String, parameter: String) async throws {
        try await Self.run { server async throws in
            let reply = try await Self.post(path, body, server)
            #expect(reply.status == 400)
            #expect(reply.body["error"]?["param"]?.stringValue == parameter)
            #expect(server.engine.slotActions.isEmpty)
        }
    }

    @Test func serverWithoutAFolderRefusesActions() async throws {
        try await TestServer.run { server async throws in
            let reply = try await Self.post("/slots/0?action=erase", nil, server)
            #expect(reply.status == 400)
            #expect(reply.body["error"]?["type"] == "not_supported_error")
            #expect(reply.body["error"]?["message"]?.stringValue?.contains("--slot-save-path") == true)
        }
    }
}
