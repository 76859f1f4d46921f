import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import MartletTestSupport
import NIOCore
import Testing

/// The way of a completion from its plan to the engine.
@Suite struct CompletionServiceTests {
    private static let loading = EngineState.loading(LoadProgress(stage: .textModel, fraction: 0))

    @Test(arguments: [(1, 1), (1, 4), (3, 1), (2, 3)]) func everyChoiceOfEveryPromptIsOneRequest(
        prompts: Int, choices: Int
    ) async throws {
        let core = Core()
        var parameters = GenerationParameters()
        parameters.sampling.seed = 100
        let texts = (0..<prompts).map { "prompt \($0)" }
        let generation = try await core.begin(Core.text(texts, Core.options(parameters) { $0.choiceCount = choices }))
        let requests = core.engine.requests
        #expect(requests.map(\.handle) == requests.indices.map { generation.handle(ofChoice: $0) })
        #expect(requests.count == prompts * choices)
        for (index, request) in requests.enumerated() {
            let (prompt, choice) = (index / choices, index % choices)
            #expect(request.prompt.text == texts[prompt])
            #expect(request.parameters.sampling.seed == UInt64(100 + choice))
            #expect(request.sharedPrefillParent == (choice == 0 ? nil : requests[prompt * choices].handle))
        }
        #expect(generation.spec.choiceCount == prompts * choices && generation.spec.choicesPerPrompt == choices)
    }

    @Test func aRefusalOfTheEngineLeavesNoTrace() async {
        let refusal = EngineError(.contextExceeded, "too long", promptTokens: 9, contextSize: 8)
        let core = Core(script: .refuse(refusal))
        let error = await #expect(throws: GenerationError.self) { try await core.begin() }
        #expect(error?.kind == .contextExceeded && error?.promptTokens == 9 && error?.contextSize == 8)
        #expect(core.registry.liveCount == 0)
        #expect(core.registry.generations(of: Core.owner).isEmpty)
    }

    @Test func aCallerThatDoesNotWaitFindsTheRefusalInTheLog() throws {
        let core = Core(script: .refuse(EngineError(.invalidRequest, "no")))
        let generation = try core.service.begin(
            Core.text(), GenerationTerms(owner: Core.owner, lifetime: .resumable), on: core.eventLoop)
        #expect(generation.log.terminalEvent == .failed(EngineError(.invalidRequest, "no")))
        #expect(core.registry.generations(of: Core.owner).count == 1, "the client knows its id")
    }

    @Test func aRequestWaitsForTheModel() async throws {
        let core = Core(state: Self.loading)
        let generation = try await core.begin()
        #expect(core.engine.requests.isEmpty && generation.log.terminalEvent == nil)
        core.engine.change(to: .ready(.fake))
        #expect(await core.engine.request(0).handle == generation.handle)
    }

    @Test func aModelThatFailsEndsWaitingRequestsAndRefusesLaterOnes() async throws {
        let core = Core(state: Self.loading)
        let generation = try await core.begin()
        core.engine.change(to: .failed(EngineError(.loadFailed, "no such file")))
        await generation.log.waitForEnd()
        guard case .failed(let error)? = generation.log.terminalEvent else {
            Issue.record("the generation continues")
            return
        }
        #expect(error.message == "no such file")
        let refusal = await #expect(throws: GenerationError.self) { try await core.begin() }
        #expect(refusal?.kind == .failed && refusal?.message == "no such file")
    }

    /// A deleted generation is gone from memory, although its model is not there yet.
    @Test func aDeletedGenerationIsGoneWhileItsModelLoads() async throws {
        let core = Core(state: Self.loading)
        weak var generation: Generation?
        do {
            let waiting = try core.service.begin(
                Core.text(), GenerationTerms(owner: Core.owner, lifetime: .resumable), on: core.eventLoop)
            generation = waiting
            #expect(try await core.registry.delete(waiting) == .stopped)
            #expect(try await core.registry.delete(waiting) == .removed)
        }
        // Monitoring begins on the event loop.
        try await core.eventLoop.submit {}.get()
        #expect(generation == nil)
    }

    @Test func aServerThatShutsDownAdmitsNothing() async {
        let core = Core()
        core.shutdown.set()
        let error = await #expect(throws: GenerationError.self) { try await core.begin() }
        #expect(error?.kind == .unavailable)
        #expect(core.registry.liveCount == 0)
    }

    @Test func aQuotaThatIsExhaustedRefusesBeforeTheEngine() async throws {
        let core = Core(quota: GenerationQuota(total: 1))
        _ = try await core.begin()
        let error = await #expect(throws: GenerationError.self) { try await core.begin() }
        #expect(error?.kind == .overloaded)
        #expect(core.engine.requests.count == 1)
    }

    @Test func aForeignModelNameIsRefusedOnlyIfTheServerIsStrict() async throws {
        for isStrict in [false, true] {
            var configuration = GenerationConfiguration()
            configuration.refusesOtherModelNames = isStrict
            let core = Core(configuration: configuration)
            let plan = Core.text(["Hi"], Core.options { $0.model = "gpt-oss" })
            if isStrict {
                let error = await #expect(throws: GenerationError.self) { try await core.begin(plan) }
                #expect(error?.kind == .notFound && error?.code == "model_not_found")
            } else {
                _ = try await core.begin(plan)
                let model = try #require(core.readiness.model)
                #expect(model.warning(about: "gpt-oss", configuration: configuration)?.contains("gpt-oss") == true)
                #expect(model.warning(about: nil, configuration: configuration) == nil)
            }
        }
    }

    @Test func adaptersAreCheckedAndHaveTheScalesOfTheServer() async throws {
        var information = ModelInformation.fake
        information.adapters = [0.25, 1].map { AdapterInformation(path: "a", scale: $0) }
        let core = Core(state: .ready(information))
        _ = try await core.begin()
        core.adapterScales.set([AdapterScale(index: 1, scale: 0.5)])
        _ = try await core.begin()
        _ = try await core.begin(Core.text(["Hi"], Core.options { $0.adapters = [] }))
        #expect(
            core.engine.requests.map(\.adapters) == [
                [AdapterScale(index: 0, scale: 0.25), AdapterScale(index: 1, scale: 1)],
                [AdapterScale(index: 1, scale: 0.5)], [],
            ])
        for index in [-1, 2] {
            let plan = Core.text(["Hi"], Core.options { $0.adapters = [AdapterScale(index: index, scale: 1)] })
            let error = await #expect(throws: GenerationError.self) { try await core.begin(plan) }
            #expect(error?.field == "lora[].id" && error?.message.contains("\(index)") == true)
        }
    }

    @Test func anUnknownTokenOfABiasIsAWarningBeforeTheOutput() async throws {
        let core = Core()
        var parameters = GenerationParameters()
        parameters.sampling.logitBiases = [LogitBias(.token(900), bias: 1), LogitBias(.text("x"), bias: 1)]
        let generation = try await core.begin(Core.text(["Hi"], Core.options(parameters)))
        #expect(core.engine.requests[0].parameters.sampling.logitBiases == [LogitBias(.text("x"), bias: 1)])
        core.engine.step([generation.handle], text: "out")
        core.engine.step([generation.handle], text: "put")
        core.engine.finish(generation.handle)
        let output = try ResponseOutput(generation.log.events)
        #expect(output.choices[0].content == Array("output".utf8))
        #expect(output.choices[0].warnings.count == 1 && output.choices[0].warnings[0].contains("900"))
        let kinds = generation.log.events.compactMap { event -> String? in
            switch event {
            case .warning: "warning"
            case .text(_, _, let bytes) where !bytes.isEmpty: "text"
            default: nil
            }
        }
        #expect(kinds == ["warning", "text", "text"])
    }

    @Test func aSpecHasThePartsOfItsTerms() async throws {
        let core = Core()
        for lifetime in GenerationSpec.Lifetime.allCases {
            let generation = try core.service.begin(
                Core.text(), GenerationTerms(owner: Core.owner, lifetime: lifetime, label: "l"), on: core.eventLoop)
            let spec = generation.spec
            #expect(spec.lifetime == lifetime && spec.responseID == "cmpl-" + spec.head.id)
            #expect(spec.storedRequest.isEmpty == (lifetime == .plain))
            #expect((StoredRequest(spec.storedRequest) != nil) == (lifetime != .plain))
        }
    }
}
