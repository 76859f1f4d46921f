import MartletGenerations
import MartletJSON
import MartletModels
import MartletPool
import MartletProtocol
import MartletStreams
import MartletTestSupport
import Testing

/// A server that loads and unloads models.
@Suite struct PoolTests {
    @Test func aServerWithoutModelsLives() async throws {
        try await PoolServer.run([]) { server async throws in
            #expect(try await server.send("GET", "/health").status == 200)
            #expect(try await server.send("GET", "/v1/models").json["data"] == [])
            let (status, text) = try await server.chat("a")
            #expect(status == 404)
            #expect(text == #"Field 'model': There is no model "a"; GET /v1/models lists all models"#)
        }
    }

    @Test func aRequestLoadsItsModelAndSwapsWithAnother() async throws {
        try await PoolServer.run { server async throws in
            for model in ["a", "b", "a"] {
                let (status, text) = try await server.chat(model)
                #expect(status == 200 && text == model)
            }
            #expect(server.models.loads == ["a", "b", "a"])
            #expect(try await server.phase("a") == "ready")
            #expect(try await server.phase("b") == "unloaded")
        }
    }

    /// A B A A C A B C with room for one costs three loads.
    @Test func eightRequestsOfThreeModelsCostThreeLoads() async throws {
        try await PoolServer.run(becomesReady: false) { server async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, model) in ["a", "b", "a", "a", "c", "a", "b", "c"].enumerated() {
                    group.addTask {
                        let (status, text) = try await server.chat(model)
                        #expect(status == 200 && text == model)
                    }
                    // The next request arrives when this one waits.
                    while server.pool.statuses.reduce(0, { $0 + $1.requests.waiting }) <= index { await Task.yield() }
                }
                for count in 1...3 {
                    await server.models.waitForLoads(count)
                    server.models.worker(server.models.loads[count - 1])?.fake.change(to: .ready(.fake))
                }
                try await group.waitForAll()
            }
            #expect(server.models.loads == ["a", "b", "c"])
        }
    }

    @Test func modelsThatFitTogetherStayLoaded() async throws {
        try await PoolServer.run(room: 2) { server async throws in
            for model in ["a", "b", "a", "b"] { #expect(try await server.chat(model).text == model) }
            #expect(server.models.loads == ["a", "b"])
        }
    }

    @Test func theLimitOfModelsCountsLikeMemory() async throws {
        try await PoolServer.run(room: 3, settings: { $0.limits.maximumModelCount = 1 }) { server async throws in
            for model in ["a", "b"] { #expect(try await server.chat(model).text == model) }
            #expect(try await server.phase("a") == "unloaded")
        }
    }

    @Test func anUnknownNameGetsTheNearestOne() async throws {
        try await PoolServer.run(["qwen3", "gemma"]) { server async throws in
            let end = server.pool.events.end
            let (status, text) = try await server.chat("qwne3")
            #expect(status == 404 && text.hasSuffix(#"did you mean "qwen3"?"#))
            // The sources were read again and are the same.
            #expect(server.pool.events.end == end)
            for name in ["a/../b", "a\\u0000b"] {
                let invalid = try await server.chat(name)
                #expect(invalid.status == 400 && invalid.text.hasPrefix("Field 'model': The name has"))
            }
        }
    }

    @Test func theServerDescribesItselfBeforeALoad() async throws {
        try await PoolServer.run { server async throws in
            let properties = try await server.send("GET", "/props")
            #expect(properties.status == 200)
            #expect(properties.json["build_info"] != nil && properties.json["endpoint_history"] == false)
            #expect(properties.json["default_generation_settings"]?["params"]?["temperature"] != nil)
            #expect(properties.json["role"] == "router" && properties.json["models_autoload"] == true)
            #expect(properties.json["max_instances"] == 0)
            #expect(properties.json["model_path"] == nil && properties.json["total_slots"] == nil)
            #expect(try await server.send("GET", "/props?model=a").status == 503)
            #expect(try await server.send("GET", "/props?model=unknown").status == 404)
            #expect(server.models.loads.isEmpty)
        }
    }

    @Test func aRequestWithoutANameNeedsADefault() async throws {
        let body = #"{"messages":[{"role":"user","content":"hi"}]}"#
        try await PoolServer.run(["a", "b"]) { server async throws in
            let (status, json) = try await server.send("POST", "/v1/chat/completions", body: body)
            #expect(status == 400)
            #expect(json["error"]?["param"] == "model")
        }
        try await PoolServer.run(["a", "b"], settings: { $0.defaultNames = ["b"] }) { server async throws in
            let (status, json) = try await server.send("POST", "/v1/chat/completions", body: body)
            #expect(status == 200 && json["model"] == "b")
        }
    }

    @Test func aFailedModelNamesItsReasonWhileOthersServe() async throws {
        try await PoolServer.run(room: 2, becomesReady: false) { server async throws in
            async let failing = server.chat("a")
            await server.models.waitForLoads(1)
            server.models.worker("a")?.fake.change(to: .failed(EngineError(.loadFailed, "a.gguf is broken")))
            let failed = try await failing
            #expect(failed.status == 500 && failed.text.contains("a.gguf is broken"))
            let list = try await server.send("GET", "/v1/models").json["data"]?.arrayValue
            let status = list?.first { $0["id"] == "a" }?["status"]
            #expect(status?["phase"] == "failed" && status?["failed"] == true && status?["value"] == "unloaded")
            #expect(status?["error"]?.stringValue?.contains("the last line of a") == true)
            async let serving = server.chat("b")
            await server.models.waitForLoads(2)
            server.models.worker("b")?.fake.change(to: .ready(.fake))
            #expect(try await serving.text == "b")
            #expect(try await server.send("GET", "/health").status == 200)
            // A command tries again at once.
            #expect(try await server.send("POST", "/models/load", body: #"{"model":"a"}"#).status == 200)
            await server.models.waitForLoads(3)
            #expect(server.models.loads.last == "a")
        }
    }

    @Test func aLoadThatNoRequestWaitsForIsCancelled() async throws {
        try await PoolServer.run(becomesReady: false) { server async throws in
            let connection = try await server.connect()
            try await connection.send(
                "POST", "/v1/chat/completions",
                body: #"{"model":"a","stream":true,"messages":[{"role":"user","content":"hi"}]}"#)
            #expect(try await connection.readHead().status == 200)
            await server.models.waitForLoads(1)
            #expect(try await server.phase("a") == "loading")
            try await connection.close()
            while try await server.phase("a") != "unloaded" { await Task.yield() }
        }
    }

    @Test func aModelWithARunningGenerationIsDrainedAndNotEvicted() async throws {
        try await PoolServer.run { server async throws in
            #expect(try await server.chat("a").text == "a")
            let fake = try #require(server.models.worker("a")?.fake)
            fake.setScript(.admit)
            let stream = try await server.connect()
            try await stream.send(
                "POST", "/v1/chat/completions",
                body: #"{"model":"a","stream":true,"messages":[{"role":"user","content":"hi"}]}"#)
            #expect(try await stream.readHead().status == 200)
            async let other = server.chat("b")
            while try await server.send("GET", "/v1/models").json["data"]?.arrayValue?
                .first(where: { $0["id"] == "b" })?["status"]?["waiting"] != 1
            { await Task.yield() }
            #expect(server.models.loads == ["a"])
            // The files of a model that a request waits for are not deleted.
            for model in ["a", "b"] {
                let refused = try await server.send("DELETE", "/models?model=\(model)")
                #expect(refused.status == 409 && refused.json["error"]?["type"] == "conflict_error", "\(refused.json)")
            }
            fake.finish(fake.requests[1].handle)
            #expect(try await other.text == "b")
            #expect(server.models.loads == ["a", "b"])
            #expect(try await stream.readEvents().last == "data: [DONE]")
        }
    }

    @Test func commandsLoadUnloadAndPlan() async throws {
        try await PoolServer.run { server async throws in
            let loaded = try await server.send("POST", "/models/load", body: #"{"model":"a"}"#)
            #expect(loaded.status == 200 && loaded.json["success"] == true)
            while try await server.phase("a") != "ready" { await Task.yield() }
            let plan = try await server.send("POST", "/models/plan", body: #"{"model":"b"}"#).json
            #expect(plan["fits"] == true && plan["fits_now"] == false && plan["would_unload"] == ["a"])
            #expect(plan["needs"] == [1] && plan["free"] == [0])
            #expect(try await server.send("POST", "/models/unload", body: #"{"model":"a"}"#).status == 200)
            while try await server.phase("a") != "unloaded" { await Task.yield() }
            let unknown = try await server.send("POST", "/models/load", body: #"{"model":"zzz"}"#)
            #expect(unknown.status == 404 && unknown.json["error"]?["code"] == "model_not_found")
            #expect(try await server.send("POST", "/models/load", body: "{}").status == 400)
            #expect(server.models.loads == ["a"])
        }
    }

    @Test func aModelThatCanNeverFitIsRefusedWithTheNumbers() async throws {
        try await PoolServer.run(
            room: 8 << 20,
            change: { $0.plan = { () throws(ModelSourceError) in MemoryAmount(16 << 20) } }
        ) { server async throws in
            let (status, text) = try await server.chat("a")
            #expect(status == 400)
            #expect(text.contains("needs 16 MiB of memory") && text.contains("may use 8 MiB"))
            #expect(try await server.send("POST", "/models/load", body: #"{"model":"a"}"#).status == 400)
            #expect(server.models.loads.isEmpty)
        }
    }

    @Test func aRequestMayRefuseToLoad() async throws {
        try await PoolServer.run { server async throws in
            let body = #"{"model":"a","messages":[{"role":"user","content":"hi"}]}"#
            let refused = try await server.send("POST", "/v1/chat/completions?autoload=0", body: body)
            #expect(refused.status == 400 && refused.json["error"]?["code"] == "model_not_loaded")
            #expect(try await server.send("POST", "/v1/chat/completions?autoload=maybe", body: body).status == 400)
            #expect(server.models.loads.isEmpty)
            let embeddings = try await server.send("POST", "/tokenize", body: #"{"model":"a","content":"hi"}"#)
            #expect(embeddings.status == 200 && server.models.loads == ["a"])
        }
    }

    @Test func keepAliveZeroUnloadsAfterTheRequest() async throws {
        try await PoolServer.run { server async throws in
            #expect(try await server.chat("a", #","keep_alive":0"#).text == "a")
            while try await server.phase("a") != "unloaded" { await Task.yield() }
            #expect(try await server.chat("a", #","keep_alive":"soon""#).status == 400)
        }
    }

    @Test func aModelWithoutFilesServesUntilItIsUnloaded() async throws {
        try await PoolServer.run(["a", "b"], room: 2) { server async throws in
            #expect(try await server.chat("a").text == "a")
            server.models.hide("a")
            let end = server.pool.events.end
            #expect(try await server.send("GET", "/models?reload=1").status == 200)
            #expect(server.pool.events.end != end)
            #expect(try await server.phase("a") == "ready")
            #expect(try await server.chat("a").text == "a")
            #expect(try await server.send("GET", "/models/a").json["status"]?["phase"] == "ready")
            for command in ["load", "plan", "unload"] {
                let (status, json) = try await server.send("POST", "/models/\(command)", body: #"{"model":"a"}"#)
                #expect(status == 200, "\(command): \(json)")
            }
            while try await server.phase("a") != nil { await Task.yield() }
            #expect(try await server.chat("a").status == 404)
            #expect(server.models.loads == ["a"])
        }
    }

    @Test func aRepairedFileIsFoundByTheNextRequest() async throws {
        let clock = PoolClock()
        try await PoolServer.run(settings: { $0.now = { clock.now } }) { server async throws in
            server.models.damage("a", "is cut off")
            try server.pool.rescan()
            #expect(try await server.chat("a").text.hasSuffix("it is cut off"))
            server.models.damage("a", nil)
            // The sources are read once a second for this reason.
            #expect(try await server.chat("a").status == 500)
            clock.advance(by: .seconds(1))
            #expect(try await server.chat("a").text == "a")
            // A loaded model serves whatever happens to its file.
            server.models.damage("a", "is cut off")
            try server.pool.rescan()
            #expect(try await server.chat("a").text == "a")
            #expect(try await server.send("POST", "/models/load", body: #"{"model":"a"}"#).status == 200)
        }
    }

    @Test func aReadyModelHasNoErrorAndNoProgressOfEarlierTimes() async throws {
        try await PoolServer.run(becomesReady: false) { server async throws in
            async let chat = server.chat("a")
            await server.models.waitForLoads(1)
            let fake = try #require(server.models.worker("a")?.fake)
            fake.change(to: .loading(LoadProgress(stage: .warmUp, fraction: 0)))
            #expect(try server.pool.status(named: "a").load?.stage == .warmUp)
            fake.change(to: .ready(.fake))
            #expect(try await chat.text == "a")
            #expect(try server.pool.status(named: "a").load == nil)
            // A worker that was killed is replaced, and the model stays ready.
            fake.change(to: .restarting(EngineError(.engineLost, "the worker was killed")))
            fake.change(to: .loading(LoadProgress(stage: .textModel, fraction: 0.5)))
            #expect(try server.pool.status(named: "a").lastError == "the worker was killed")
            fake.change(to: .ready(.fake))
            let status = try server.pool.status(named: "a")
            #expect(status.phase == .ready && status.lastError == nil && status.load == nil && status.fraction == nil)
        }
    }

    @Test func theLimitOfModelsIsTheReasonOfItsRefusals() async throws {
        try await PoolServer.run(
            room: 3, change: { $0.isPinned = true }, settings: { $0.limits.maximumModelCount = 1 }
        ) { server async throws in
            #expect(try await server.chat("a").text == "a")
            let (status, text) = try await server.chat("b")
            #expect(status == 400 && text == "1 model may be loaded (--models-max), and the loaded models are pinned")
            let load = try await server.send("POST", "/models/load", body: #"{"model":"b"}"#)
            #expect(load.status == 400 && load.json["error"]?["code"] == "model_limit_reached")
        }
    }

    @Test func listsHealthAndMetricsWakeNoModel() async throws {
        try await PoolServer.run { server async throws in
            for path in ["/v1/models", "/models", "/health", "/v1/models/a", "/models?reload=1"] {
                #expect(try await server.send("GET", path).status == 200)
            }
            let connection = try await server.connect()
            try await connection.send("GET", "/metrics")
            #expect(try await connection.readHead().status == 200)
            #expect(server.models.loads.isEmpty)
        }
    }

    @Test func aForkCountsAsARequestOfItsModel() async throws {
        try await PoolServer.run { server async throws in
            #expect(try await server.chat("a").text == "a")
            let handle = try server.pool.model(named: "a")
            var terms = LeaseTerms()
            terms.isContinuation = true
            let lease = handle.lease(terms)
            #expect(try lease.result?.get().information == .fake)
            #expect(try server.pool.status(named: "a").requests.running == 1)
            lease.end()
            #expect(try server.pool.status(named: "a").requests.running == 0)
            #expect(throws: GenerationError.self) { try server.pool.model(named: "b").lease(terms).result?.get() }
        }
    }
}
