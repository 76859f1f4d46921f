package import Llama
package import MartletProtocol

/// How an engine speculates: the kinds of drafts and their limits. A request can narrow or change them.
package struct SpeculationConfiguration: Sendable {
    /// The kinds that a request without own choice uses, in order of preference; empty = no speculation.
    package var kinds: [DraftKind] = []
    /// The most tokens of a draft of the draft model.
    package var modelDraftLimit = 16
    /// The most tokens of a draft by lookup.
    package var ngramDraftLimit = 48
    /// The number of last tokens that a lookup searches for.
    package var ngramKeyLength = 3
    /// A draft with fewer tokens is discarded.
    package var minimumCount = 0
    /// The draft model ends a draft before a token that it finds less likely.
    package var minimumProbability: Float = 0
    /// Whether the length of a draft follows from measurements. Otherwise every draft is as long as its limits allow,
    /// which is for tests of the output.
    package var adaptsLength = true
    /// The second model; `nil` = none.
    package var draftModel: DraftModelConfiguration?

    package init() {}
}

/// The file of a draft model and how it is loaded.
package struct DraftModelConfiguration: Sendable {
    /// The path of a GGUF file whose vocabulary equals the model's.
    package var path: String
    /// The number of layers on the GPU, if there is one; a negative number = all.
    package var gpuLayers: Int32 = -1
    /// Threads of a decode of one token per sequence, and of larger ones; `nil` = as for the model.
    package var threads: Int?
    package var batchThreads: Int?
    package var keyCacheType = CacheType.f16
    package var valueCacheType = CacheType.f16

    package init(path: String) { self.path = path }
}

/// The settings of one request: its own fields over those of the engine.
struct SpeculationSettings: Sendable, Equatable {
    /// The kinds that are tried, in order; empty = no speculation.
    var kinds: [DraftKind] = []
    var modelDraftLimit = 0
    var ngramDraftLimit = 0
    var ngramKeyLength = 1
    var minimumCount = 0
    var minimumProbability: Float = 0

    /// Resolves the fields of a request. A draft model that is not loaded is left out.
    init(_ request: SpeculationParameters, _ engine: SpeculationConfiguration) {
        kinds = (request.kinds ?? engine.kinds).filter { $0 != .model || engine.draftModel != nil }
        let limit = request.maximumCount ?? .max
        modelDraftLimit = min(limit, engine.modelDraftLimit)
        ngramDraftLimit = min(limit, engine.ngramDraftLimit)
        ngramKeyLength = engine.ngramKeyLength
        minimumCount = request.minimumCount ?? engine.minimumCount
        minimumProbability = request.minimumProbability ?? engine.minimumProbability
        if limit == 0 { kinds = [] }
    }

    /// The most tokens of a draft of this kind.
    func limit(of kind: DraftKind) -> Int {
        switch kind {
        case .ngram: ngramDraftLimit
        case .model: modelDraftLimit
        }
    }
}
