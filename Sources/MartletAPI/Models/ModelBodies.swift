package import MartletJSON
internal import MartletModels
package import MartletPool
import MartletProtocol
import OrderedCollections

/// JSON of the routes for several models. The names are names of llama-server, of OpenAI, and names that clients read.
package enum ModelBodies {
    /// `/v1/models` and `/models`: OpenAI's list in `data`, Ollama's in `models`.
    ///
    /// A file of another kind than a model is in `data` only, with its `kind` and the reason in its status.
    /// - Parameters:
    ///   - created: seconds since 1970.
    ///   - freeByteCount: bytes that downloads may still write; nil = the list does not say.
    /// - Complexity: O(models).
    package static func list(_ models: [ModelStatus], created: Int, freeByteCount: UInt64? = nil) -> JSONValue {
        var members: JSONObject = [
            "models": .array(models.filter { $0.definition.kind == .model }.map(legacy)), "object": "list",
            "data": .array(models.map { entry($0, created: created) }),
        ]
        members["free_bytes"] = freeByteCount.map { JSONValue($0) }
        return .object(members)
    }

    /// Ollama's clients read the name and the capabilities. The other members must exist.
    private static func legacy(_ model: ModelStatus) -> JSONValue {
        let summary = model.definition.summary
        return [
            "name": .string(model.name), "model": .string(model.name), "modified_at": "", "size": "", "digest": "",
            "type": "model", "description": "", "tags": .array(model.definition.model.tags.map { .string($0) }),
            "capabilities": capabilities(summary), "parameters": "",
            "details": [
                "parent_model": "", "format": "gguf", "family": .string(summary?.architecture ?? ""),
                "families": .array(summary.map { [.string($0.architecture)] } ?? []),
                "parameter_size": .string(summary?.parameterText ?? ""),
                "quantization_level": .string(summary?.quantization ?? ""),
            ],
        ]
    }

    /// The uses of a model in the words of `ModelSummary.Capability`; none if its files were not read.
    private static func capabilities(_ summary: ModelSummary?) -> JSONValue {
        .array((summary?.capabilities ?? []).map { .string($0.rawValue) })
    }

    /// One model, as in the list and in events.
    package static func entry(_ model: ModelStatus, created: Int) -> JSONValue {
        let (registered, summary) = (model.definition.model, model.definition.summary)
        var members: JSONObject = [
            "id": .string(model.name), "aliases": .array(registered.aliases.map { .string($0) }),
            "tags": .array(registered.tags.map { .string($0) }), "object": "model", "created": .integer(Int64(created)),
            "owned_by": "martlet", "source": .string(registered.source.rawValue),
            "in_cache": .bool(registered.source == .cache), "can_remove": .bool(model.definition.isRemovable),
            "status": status(model), "capabilities": capabilities(summary),
        ]
        if let path = registered.paths.first { members["path"] = .string(path) }
        if model.definition.kind != .model { members["kind"] = .string(model.definition.kind.rawValue) }
        let modalities = summary?.capabilities ?? []
        let inputs =
            ["text"] + (modalities.contains(.vision) ? ["image"] : []) + (modalities.contains(.audio) ? ["audio"] : [])
        members["architecture"] = [
            "name": .string(summary?.architecture ?? ""), "input_modalities": .array(inputs.map { .string($0) }),
            "output_modalities": ["text"],
        ]
        if let length = model.information?.sequenceContextLength ?? summary?.trainedContextLength {
            for name in ["context_length", "max_model_len", "context_window"] { members[name] = integer(length) }
        }
        if let summary {
            members["quantization"] = .string(summary.quantization)
            members["parameters"] = JSONValue(summary.parameterCount)
            members["parameter_size"] = .string(summary.parameterText)
            members["size"] = JSONValue(summary.byteCount)
        }
        if let memory = memory(model) { members["memory"] = memory }
        members["meta"] = meta(model.information, summary)
        return .object(members)
    }

    /// The memory by the plan, by the policy and in truth, in bytes, host memory first; nil before the first load.
    private static func memory(_ model: ModelStatus) -> JSONValue? {
        guard let plan = model.plan else { return nil }
        var members: JSONObject = [
            "plan": .array(plan.bytes.map { JSONValue($0) }), "needs": .array(model.needs.bytes.map { JSONValue($0) }),
        ]
        if let memory = model.memory {
            members["resident"] = JSONValue(memory.resident)
            members["peak"] = JSONValue(memory.peak)
        }
        return .object(members)
    }

    /// llama-server's `meta`, with the members that are known: all of them after the first load.
    private static func meta(_ model: ModelInformation?, _ summary: ModelSummary?) -> JSONValue {
        if let model {
            return [
                "vocab_type": .integer(Int64(model.vocabularyKind)), "n_vocab": integer(model.vocabularySize),
                "n_ctx": integer(model.sequenceContextLength), "n_ctx_train": integer(model.trainedContextLength),
                "n_embd": integer(model.embeddingLength), "n_params": .integer(Int64(clamping: model.parameterCount)),
                "size": .integer(Int64(clamping: model.byteCount)), "ftype": .string(model.fileType),
            ]
        }
        var members: JSONObject = [:]
        if let summary {
            if let length = summary.trainedContextLength { members["n_ctx_train"] = integer(length) }
            if let size = summary.vocabularySize { members["n_vocab"] = integer(size) }
            members["n_params"] = JSONValue(summary.parameterCount)
            members["size"] = JSONValue(summary.byteCount)
            members["ftype"] = .string(summary.quantization)
        }
        return .object(members)
    }

    // MARK: Status

    /// The member `status`: llama-server's word, and the phase of the policy.
    package static func status(_ model: ModelStatus) -> JSONValue {
        var members: JSONObject = [
            "value": .string(word(for: model)), "phase": .string(phase(model.phase)),
            "running": integer(model.requests.running), "waiting": integer(model.requests.waiting),
        ]
        members["pending"] = .bool(model.isPending)
        if model.isRestarting { members["restarting"] = true }
        if case .failed = model.phase { members["failed"] = true }
        if let error = model.lastError { members["error"] = .string(error) }
        if let fraction = model.fraction { members["fraction"] = number(fraction) }
        if let load = model.load { members["progress"] = progress(load) }
        return .object(members)
    }

    /// llama-server's states. A failed model is `unloaded` there, with `failed`.
    ///
    /// `absent` is `unloaded`, too: llama-server lists only models that it can load.
    private static func word(for model: ModelStatus) -> String {
        switch model.phase {
        case .absent, .unloaded, .failed: "unloaded"
        case .downloading: "downloading"
        case .loading: "loading"
        case .ready, .draining: "loaded"
        case .sleeping: "sleeping"
        }
    }

    /// The phase of the policy, in the words of docs/models.md.
    ///
    /// Clients that know Martlet read it instead of llama-server's word, which has no word for a drain.
    private static func phase(_ phase: LifecyclePolicy.Phase) -> String {
        switch phase {
        case .absent: "absent"
        case .downloading: "downloading"
        case .unloaded: "unloaded"
        case .loading: "loading"
        case .ready: "ready"
        case .draining: "draining"
        case .sleeping: "sleeping"
        case .failed: "failed"
        }
    }

    /// llama-server's progress of a load.
    ///
    /// The worker reports two stages; llama-server names only models, so the warm-up has a word of its own.
    private static func progress(_ load: LoadProgress) -> JSONValue {
        [
            "stages": ["text_model"], "current": .string(load.stage == .warmUp ? "warm_up" : "text_model"),
            "value": number(load.stage == .starting ? 0 : load.fraction),
        ]
    }

    // MARK: Events

    /// The first event of `/models/sse`: all models.
    package static func snapshot(_ models: [ModelStatus], created: Int) -> JSONValue {
        ["model": "*", "event": "snapshot", "data": ["models": .array(models.map { entry($0, created: created) })]]
    }

    /// A later event of `/models/sse`, with llama-server's names.
    package static func event(_ change: ModelChange, created: Int) -> JSONValue {
        switch change {
        case .status(let model):
            guard case .object(var members) = status(model) else { return .null }
            // llama-server has the word itself in this place.
            members["status"] = members.removeValue(forKey: "value")
            if model.phase == .ready { members["info"] = entry(model, created: created) }
            return ["model": .string(model.name), "event": "status_change", "data": .object(members)]
        case .download(let name, let state):
            let files = state.files.map { file -> (String, JSONValue) in
                (
                    file.address,
                    ["done": JSONValue(file.doneByteCount), "total": JSONValue(file.totalByteCount)]
                )
            }
            return [
                "model": .string(name), "event": "download_progress",
                "data": [
                    "progress": .object(JSONObject(files, uniquingKeysWith: { $1 })),
                    "fraction": number(state.fraction),
                ],
            ]
        case .downloadEnded(let name, nil): return ["model": .string(name), "event": "download_finished", "data": [:]]
        case .downloadEnded(let name, let problem?):
            return [
                "model": .string(name), "event": "download_failed", "data": ["error": .string(problem)],
            ]
        case .removed(let name): return ["model": .string(name), "event": "model_remove", "data": [:]]
        case .reloaded: return ["model": "*", "event": "models_reload", "data": [:]]
        }
    }

    // MARK: Commands

    /// The reply to a load or an unload.
    package static func changed(_ model: ModelStatus) -> JSONValue {
        ["success": true, "model": .string(model.name), "status": status(model)]
    }

    /// The reply to `/models/plan`. Sizes are bytes, host memory first. `largest_context_length` is 0 if no context fits.
    package static func plan(_ plan: LoadPreview) -> JSONValue {
        var members: JSONObject = [
            "model": .string(plan.status.name), "fits": .bool(plan.preview.canEverFit),
            "fits_now": .bool(plan.preview.fitsNow),
            "needs": .array(plan.preview.needs.bytes.map { JSONValue($0) }),
            "free": .array(plan.preview.free.bytes.map { JSONValue($0) }),
            "would_unload": .array(plan.victims.map { .string($0) }),
        ]
        if let length = plan.largestContext { members["largest_context_length"] = integer(length) }
        return .object(members)
    }

    /// A whole number of JSON.
    private static func integer(_ value: Int) -> JSONValue { .integer(Int64(value)) }

    /// A fraction with four digits.
    private static func number(_ value: Double) -> JSONValue {
        .number((min(max(value, 0), 1) * 10_000).rounded() / 10_000)
    }
}

/// The body of the commands for one model: `{"model": NAME}`.
///
/// Example: `{"model": "qwen3-0.6b", "force": true}` ends the generations of the model and unloads it.
package struct ModelCommand: Sendable, Equatable {
    package var name: String
    /// Whether an unload ends running generations.
    package var isForced: Bool

    /// - Throws: `invalidRequest` that names the field.
    package init(_ json: JSONValue) throws(APIError) {
        let fields = try FieldReader(json)
        guard let name = try fields.string("model"), !name.isEmpty else {
            throw .field("model", "A name is required; GET /v1/models lists all models")
        }
        self.name = name
        isForced = try fields.bool("force") ?? false
    }
}
