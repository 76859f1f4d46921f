internal import MartletGrammar
package import MartletProtocol

/// Random frames for tests of the frame encoding. Every kind, case and extreme value occurs.
///
/// Example: `var random = SeededGenerator(seed: 1); let frame = SampleFrames.edge(&random)`. Equal seeds give equal
/// frames, so a failed test can be repeated.
package enum SampleFrames {
    package typealias Generator = SeededGenerator

    /// A frame from the edge to the worker, of any kind.
    package static func edge(_ random: inout Generator) -> EdgeFrame {
        let number = QueryNumber(rawValue: random.unsigned())
        return switch Int.random(in: 0..<13, using: &random) {
        case 0: .hello(version: UInt16.random(in: 0...UInt16.max, using: &random))
        case 1: .submit(request(&random))
        case 2: .cancel(GenerationHandle(rawValue: random.unsigned()))
        case 3: .tokenize(number, prompt(&random))
        case 4: .detokenize(number, random.list { $0.token() })
        case 5: .status(number)
        case 6: .embed(number, random.list { prompt(&$0) })
        case 7:
            .control(
                GenerationHandle(rawValue: random.unsigned()), CommandNumber(rawValue: random.unsigned()),
                SampleCommands.action(&random))
        case 8: .withdraw(number)
        case 9: .ping
        case 10: .unpin(PinnedPrefixID(rawValue: random.unsigned()))
        case 11: .slot(number, SampleCache.action(&random))
        default: .shutdown
        }
    }

    /// A frame from the worker to the edge, of any kind.
    package static func worker(_ random: inout Generator) -> WorkerFrame {
        let number = QueryNumber(rawValue: random.unsigned())
        return switch Int.random(in: 0..<11, using: &random) {
        case 0: .hello(version: 1)
        case 1: .state(state(&random))
        case 2: .events(random.list { event(&$0) })
        case 3: .tokens(number, random.list { TokenPiece(id: $0.token(), bytes: $0.bytes()) })
        case 4: .bytes(number, random.bytes())
        case 5: .status(number, status(&random))
        case 6: .embeddings(number, random.list { embedding(&$0) })
        case 7: .part(number, random.bytes(), isLast: Bool.random(using: &random))
        case 9:
            .slot(
                number,
                SlotActionResult(
                    tokenCount: random.integer(), byteCount: random.integer(), duration: random.duration()))
        case 8: .pulse(random.list { activity(&$0) })
        default: .failure(number, error(&random))
        }
    }

    /// The activity of a thread.
    private static func activity(_ random: inout Generator) -> ThreadActivity {
        ThreadActivity(
            ThreadActivity.Kind.allCases.randomElement(using: &random) ?? .idle, count: random.integer(),
            steps: random.unsigned())
    }

    /// An embedding whose values match its length.
    private static func embedding(_ random: inout Generator) -> Embedding {
        let length = Int.random(in: 1...4, using: &random)
        let values = (0..<length * Int.random(in: 0...3, using: &random)).map { Float($0) - 1.5 }
        return Embedding(tokenCount: random.integer(), length: length, values: values)
    }

    /// A prompt of texts and tokens, trusted and untrusted.
    package static func prompt(_ random: inout Generator) -> Prompt {
        let pieces = random.list { random -> Prompt.Piece in
            switch Int.random(in: 0..<3, using: &random) {
            case 0: .text(random.text(), isTrusted: false)
            case 1: .text(random.text(), isTrusted: true)
            default: .tokens(random.list { $0.token() })
            }
        }
        return Prompt(
            pieces: pieces, addsBeginning: Bool.random(using: &random),
            boundaries: random.list { SampleCache.boundary(&$0) })
    }

    /// A request with a random value in every field, those that a client cannot set included.
    package static func request(_ random: inout Generator) -> GenerationRequest {
        var sampling = SamplingParameters()
        sampling.repeatLastN = random.integer()
        sampling.repeatPenalty = 1.1
        sampling.frequencyPenalty = -0.5
        sampling.presencePenalty = .infinity
        sampling.topK = random.integer()
        sampling.topP = .leastNonzeroMagnitude
        sampling.minP = 0
        sampling.temperature = -1
        sampling.seed = random.unsigned()
        sampling.dynamicTemperatureRange = 0.5
        sampling.dynamicTemperatureExponent = 2
        sampling.topNSigma = 1.5
        sampling.typicalP = 0.25
        sampling.xtcProbability = 0.125
        sampling.xtcThreshold = 0.375
        sampling.dry.multiplier = 0.75
        sampling.dry.base = 1.25
        sampling.dry.allowedLength = random.integer()
        sampling.dry.lastN = random.integer()
        sampling.dry.sequenceBreakers = random.list { $0.text() }
        sampling.mirostat = Mirostat.allCases.randomElement(using: &random) ?? .off
        sampling.mirostatTau = 3
        sampling.mirostatEta = 0.0625
        sampling.adaptiveTarget = 0.5
        sampling.adaptiveDecay = 0.875
        sampling.minKeep = random.integer()
        sampling.samplers = SamplerKind.allCases.shuffled(using: &random)
        sampling.logitBiases = random.list { random in
            random.maybe { LogitBias(.token($0.token()), bias: -.infinity) }
                ?? LogitBias(.text(random.text()), bias: 1.5)
        }
        var request = GenerationRequest(
            handle: GenerationHandle(rawValue: random.unsigned()), prompt: prompt(&random), sampling: sampling,
            maximumTokens: random.maybe { $0.integer() }, maximumTime: random.maybe { $0.duration() },
            stops: random.list { $0.text() }, ignoresEndOfGeneration: Bool.random(using: &random),
            reusesPrompt: Bool.random(using: &random), reportsProgress: Bool.random(using: &random),
            visibleDelimiters: random.list { $0.text() })
        request.parameters.probabilities = random.maybe { random in
            ProbabilityRequest(
                count: random.integer(), stage: Bool.random(using: &random) ? .beforeSampling : .afterSampling)
        }
        request.parameters.reportsTokenTimings = Bool.random(using: &random)
        request.parameters.reportsPromptLogprobs = Bool.random(using: &random)
        request.parameters.slot = random.maybe { $0.integer() }
        request.parameters.minimumIndent = random.integer()
        request.parameters.contextShift = random.maybe { ContextShift(keep: $0.integer(), discard: $0.integer()) }
        request.parameters.cache = SampleCache.parameters(&random)
        request.parameters.priority = random.integer()
        request.tenant = TenantKeys(cacheScope: random.unsigned(), fairShare: random.unsigned())
        request.parameters.speculation.kinds = random.maybe {
            $0.list { random in random.maybe { _ in .model } ?? .ngram }
        }
        request.parameters.speculation.maximumCount = random.maybe { $0.integer() }
        request.parameters.speculation.minimumCount = random.maybe { $0.integer() }
        request.parameters.speculation.minimumProbability = random.maybe { _ in 0.75 }
        request.adapters = random.list { AdapterScale(index: $0.integer(), scale: 0.5) }
        request.sharedPrefillParent = random.maybe { GenerationHandle(rawValue: $0.unsigned()) }
        request.reasoning = random.maybe { random in
            ReasoningRule(
                start: "<think>", end: "</think>", closing: random.text(), isOpen: Bool.random(using: &random),
                budget: random.maybe { $0.integer() }, message: random.text())
        }
        request.reasoning?.turnBudget = random.maybe { $0.integer() }
        request.reasoning?.earlierReasoning = random.list { $0.text() }
        request.reasoning?.callStarts = random.list { _ in "<tool_call>" }
        request.isPaused = Bool.random(using: &random)
        request.continuation = random.list { $0.token() }
        request.continuationTime = random.duration()
        let opensTurn = random.list { Bool.random(using: &$0) }
        request.injections = opensTurn.enumerated().map { InjectedTokens($0 * 5..<$0 * 5 + 3, opensTurn: $1) }
        if Bool.random(using: &random) { request.parameters.constraint = grammar.map(GenerationConstraint.init) }
        request.constraintStart = random.integer()
        return request
    }

    private static let grammar = try? GBNFParser.grammar(
        #"root ::= "{" [a-zé]{2,9} ("," root)* "}" | <[7]> | !<x> "a"*"#.utf8)

    /// Logprobs of a token and of its alternatives.
    private static func probabilities(_ random: inout Generator) -> TokenProbabilities {
        var value = TokenProbabilities(textOffset: random.integer())
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            value.append(id: random.token(), value: -1.5, bytes: random.bytes())
        }
        return value
    }

    /// An engine error with any code.
    package static func error(_ random: inout Generator) -> EngineError {
        EngineError(
            EngineError.Code.allCases.randomElement(using: &random) ?? .engineLost, random.text(),
            parameter: random.maybe { $0.text() }, promptTokens: random.maybe { $0.integer() },
            contextSize: random.maybe { $0.integer() })
    }

    /// An engine event of any kind.
    package static func event(_ random: inout Generator) -> EngineEvent {
        let kind: EngineEvent.Kind =
            switch Int.random(in: 0..<8, using: &random) {
            case 0: .admitted(promptTokens: random.integer())
            case 1: .started(slot: random.integer(), cachedTokens: random.integer())
            case 2:
                .promptProgress(progress(&random))
            case 3: .token(id: random.token(), text: random.bytes()[...])
            case 4: .finished(summary(&random), text: random.bytes()[...])
            case 5: .promptLogprobs(first: random.integer())
            case 6: .controlled(CommandNumber(rawValue: random.unsigned()), SampleCommands.result(&random))
            default: .failed(error(&random))
            }
        var event = EngineEvent(GenerationHandle(rawValue: random.unsigned()), kind)
        switch kind {
        case .token:
            event.probabilities = random.list { probabilities(&$0) }
            event.tokenTimings = random.maybe { TokenTimings(slot: $0.integer(), timings: timings(&$0)) }
        case .finished, .promptLogprobs: event.probabilities = random.list { probabilities(&$0) }
        default: break
        }
        return event
    }

    /// The progress of a prompt that waits or is computed.
    private static func progress(_ random: inout Generator) -> PromptProgress {
        var progress = PromptProgress(
            total: random.integer(), cached: random.integer(), processed: random.integer(),
            elapsed: random.duration())
        progress.slot = random.integer()
        progress.queuePosition = random.maybe { $0.integer() }
        return progress
    }

    /// The end of a generation for any reason.
    private static func summary(_ random: inout Generator) -> GenerationSummary {
        let reason: GenerationSummary.Reason =
            switch Int.random(in: 0..<8, using: &random) {
            case 0: .endOfGeneration
            case 1: .stopText(random.text())
            case 2: .tokenLimit
            case 3: .timeLimit
            case 4: .contextFull
            case 5: .indentation
            case 6: .stopped(random.maybe { $0.text() })
            default: .cancelled
            }
        var summary = GenerationSummary(reason: reason, timings: timings(&random))
        summary.slot = random.maybe { $0.integer() }
        summary.kvCacheTokens = random.integer()
        summary.isTruncated = Bool.random(using: &random)
        summary.hasLineBreak = Bool.random(using: &random)
        summary.cacheReport = random.maybe { SampleCache.report(&$0) }
        return summary
    }

    /// Timings with a random value in every field.
    private static func timings(_ random: inout Generator) -> Timings {
        var timings = Timings()
        timings.promptTokens = random.integer()
        timings.cachedTokens = random.integer()
        timings.restoredTokens.ram = random.integer()
        timings.restoredTokens.disk = random.integer()
        timings.reasoningTokens = random.integer()
        timings.predictedTokens = random.integer()
        timings.draftedTokens = random.integer()
        timings.acceptedDraftTokens = random.integer()
        timings.queueTime = random.duration()
        timings.promptTime = random.duration()
        timings.predictedTime = random.duration()
        timings.samplingTime = random.duration()
        timings.grammarTime = random.duration()
        return timings
    }

    /// An engine state of any kind.
    private static func state(_ random: inout Generator) -> EngineState {
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            .loading(
                LoadProgress(
                    stage: LoadProgress.Stage.allCases.randomElement(using: &random) ?? .starting,
                    fraction: Double.random(in: 0...1, using: &random)))
        case 1: .ready(information(&random))
        case 2: .restarting(error(&random))
        default: .failed(error(&random))
        }
    }

    /// The information about a model with a random value in every field.
    package static func information(_ random: inout Generator) -> ModelInformation {
        var value = ModelInformation()
        value.path = random.text()
        value.name = random.maybe { $0.text() }
        value.summary = random.text()
        value.fileType = random.text()
        value.parameterCount = random.unsigned()
        value.byteCount = random.unsigned()
        value.vocabularyKind = random.token()
        value.vocabularySize = random.integer()
        value.embeddingLength = random.integer()
        value.trainedContextLength = random.integer()
        value.contextLength = random.integer()
        value.sequenceContextLength = random.integer()
        value.sequenceCount = random.integer()
        value.chatTemplate = random.maybe { $0.text() }
        value.toolUseChatTemplate = random.maybe { $0.text() }
        value.beginningToken = random.text()
        value.endToken = random.text()
        value.loadTime = random.duration()
        value.embeddingPooling = random.maybe { _ in .mean }
        value.rerankFormat = random.maybe { random in
            var format = RerankFormat()
            format.template = random.maybe { $0.text() }
            format.between = random.list { $0.token() }
            return format
        }
        value.infillTokens.numbers = (0..<6).map { _ in random.token() }
        value.batchSize = random.integer()
        value.adapters = random.list { random in
            var adapter = AdapterInformation(path: random.text(), scale: 0.25)
            adapter.taskName = random.text()
            adapter.promptPrefix = random.text()
            return adapter
        }
        return value
    }

    /// A status with any number of slots.
    private static func status(_ random: inout Generator) -> EngineStatus {
        var value = EngineStatus()
        value.slots = random.list { random in
            var slot = SlotStatus(index: random.integer())
            slot.phase = .generating
            slot.handle = random.maybe { GenerationHandle(rawValue: $0.unsigned()) }
            slot.kvCacheTokens = random.integer()
            slot.promptTokens = random.integer()
            slot.promptTokensProcessed = random.integer()
            slot.cachedTokens = random.integer()
            slot.predictedTokens = random.integer()
            slot.remainingTokens = random.maybe { $0.integer() }
            slot.hasLineBreak = Bool.random(using: &random)
            return slot
        }
        value.queued = random.integer()
        value.counters.promptTokens = random.unsigned()
        value.counters.cachedTokens = random.unsigned()
        value.counters.predictedTokens = random.unsigned()
        value.counters.promptTime = random.duration()
        value.counters.predictedTime = random.duration()
        value.counters.drafts = random.unsigned()
        value.counters.draftedTokens = random.unsigned()
        value.counters.acceptedDraftTokens = random.unsigned()
        value.counters.decodes = random.unsigned()
        value.counters.busySlots = random.unsigned()
        value.counters.longestContext = random.integer()
        value.cache = SampleCache.status(&random)
        return value
    }
}

extension SeededGenerator {
    /// A number, often at the limits of its type.
    package mutating func integer() -> Int {
        [0, 1, -1, 63, 64, 127, 128, -64, -65, Int.max, Int.min, Int.random(in: .min ... .max, using: &self)]
            .randomElement(using: &self) ?? 0
    }

    /// A token id, valid or not.
    package mutating func token() -> Int32 {
        [0, 1, -1, Int32.max, Int32.min, Int32.random(in: 0...200_000, using: &self)].randomElement(using: &self)
            ?? 0
    }

    /// The bits of `integer()`.
    package mutating func unsigned() -> UInt64 { UInt64(bitPattern: Int64(integer())) }

    /// A duration, negative ones included.
    package mutating func duration() -> Duration {
        Duration(
            secondsComponent: Int64.random(in: -5...100_000, using: &self),
            attosecondsComponent: Int64.random(in: 0..<1_000_000_000_000_000_000, using: &self))
    }

    /// A short text.
    package mutating func text() -> String {
        ["", "a", "Grüße, 世界", "👩‍👩‍👧‍👦", "\u{0}\n", String(repeating: "long ", count: 200)].randomElement(using: &self)
            ?? ""
    }

    /// A short array of bytes.
    package mutating func bytes() -> [UInt8] {
        (0..<Int.random(in: 0...300, using: &self)).map { _ in UInt8.random(in: 0...255, using: &self) }
    }

    /// A short array, empty ones included.
    package mutating func list<Value>(_ make: (inout SeededGenerator) -> Value) -> [Value] {
        (0..<Int.random(in: 0...5, using: &self)).map { _ in make(&self) }
    }

    /// A value or `nil`, with equal probability.
    package mutating func maybe<Value>(_ make: (inout SeededGenerator) -> Value) -> Value? {
        Bool.random(using: &self) ? make(&self) : nil
    }
}
