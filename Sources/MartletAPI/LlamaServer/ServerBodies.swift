import MartletGenerations
package import MartletJSON
package import MartletProtocol
import OrderedCollections

/// JSON of the routes that describe the server. Members and names are llama-server's.
package enum ServerBodies {
    /// `/v1/models` and `/models`: OpenAI's list in `data`, Ollama's in `models`.
    /// - Parameters:
    ///   - name: the name that responses carry.
    ///   - aliases: the names that the operator chose.
    ///   - created: seconds since 1970.
    package static func models(
        name: String, aliases: [String], tags: [String] = [], created: Int, model: ModelInformation
    ) -> JSONValue {
        // Ollama's clients read only the name. The other members must exist.
        let legacy: JSONValue = [
            "name": .string(name), "model": .string(name), "modified_at": "", "size": "", "digest": "", "type": "model",
            "description": "", "tags": [""], "capabilities": ["completion"], "parameters": "",
            "details": [
                "parent_model": "", "format": "gguf", "family": "", "families": [""], "parameter_size": "",
                "quantization_level": "",
            ],
        ]
        let entry = Self.model(name: name, aliases: aliases, tags: tags, created: created, model: model)
        return ["models": [legacy], "object": "list", "data": [entry]]
    }

    /// `/v1/models/NAME`, and each element of `data`.
    package static func model(
        name: String, aliases: [String], tags: [String] = [], created: Int, model: ModelInformation
    ) -> JSONValue {
        [
            "id": .string(name), "aliases": .array(aliases.map { .string($0) }),
            "tags": .array(tags.map { .string($0) }), "object": "model",
            "created": .integer(Int64(created)), "owned_by": "martlet",
            "meta": [
                "vocab_type": .integer(Int64(model.vocabularyKind)), "n_vocab": integer(model.vocabularySize),
                "n_ctx": integer(model.sequenceContextLength), "n_ctx_train": integer(model.trainedContextLength),
                "n_embd": integer(model.embeddingLength), "n_params": .integer(Int64(clamping: model.parameterCount)),
                "size": .integer(Int64(clamping: model.byteCount)), "ftype": .string(model.fileType),
            ],
        ]
    }

    /// The text that represents media in prompts. It is random per process, so that no client's text contains it.
    private static let mediaMarker: String = {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return "<__media_" + String((0..<32).compactMap { _ in letters.randomElement() }) + "__>"
    }()

    /// The optional routes that the server offers.
    package typealias Endpoints = (slots: Bool, metrics: Bool, properties: Bool, history: Bool)

    /// `/props`: the model, its template and the defaults of requests.
    package static func properties(
        model: ModelInformation, name: String, chatTemplate: String, capabilities: JSONValue,
        defaults: CompletionDefaults, endpoints: Endpoints, build: String
    ) -> JSONValue {
        var members = serverProperties(
            defaults: defaults, contextLength: model.sequenceContextLength, endpoints: endpoints, build: build)
        let own: JSONObject = [
            "n_ctx_per_sequence": integer(model.sequenceContextLength), "n_ctx_total": integer(model.contextLength),
            "total_slots": integer(model.sequenceCount), "model_alias": .string(name),
            "model_ftype": .string(model.fileType), "model_path": .string(model.path),
            "modalities": ["vision": false, "video": false, "audio": false], "media_marker": .string(mediaMarker),
            "chat_template": .string(chatTemplate), "chat_template_caps": capabilities,
            "bos_token": .string(model.beginningToken), "eos_token": .string(model.endToken),
        ]
        for (member, value) in own { members[member] = value }
        return .object(members)
    }

    /// `/props` of a server with several models, if none is named: what holds for all of them. llama-server's page chooses its
    /// models' menu by `role`.
    /// - Parameters:
    ///   - maximumModelCount: the limit of `--models-max`; 0 = none.
    ///   - loadsOnDemand: whether a request loads its model.
    package static func properties(
        defaults: CompletionDefaults, endpoints: Endpoints, build: String, maximumModelCount: Int, loadsOnDemand: Bool
    ) -> JSONValue {
        var members = serverProperties(defaults: defaults, contextLength: nil, endpoints: endpoints, build: build)
        members["role"] = "router"
        members["max_instances"] = integer(maximumModelCount)
        members["models_autoload"] = .bool(loadsOnDemand)
        return .object(members)
    }

    /// The members that no model decides.
    /// - Parameter contextLength: the context of a sequence in tokens; nil = no model is named.
    private static func serverProperties(
        defaults: CompletionDefaults, contextLength: Int?, endpoints: Endpoints, build: String
    ) -> JSONObject {
        // The settings of a request without any field.
        var settings: JSONObject = [
            "params": GenerationSettings.json(
                of: CompletionOptions(defaults: defaults),
                // llama-server's number for a random seed per request.
                seed: JSONValue(defaults.seed ?? 0xFFFF_FFFF), endTokens: [])
        ]
        if let contextLength { settings["n_ctx"] = integer(contextLength) }
        return [
            "default_generation_settings": .object(settings), "endpoint_slots": .bool(endpoints.slots),
            "endpoint_props": .bool(endpoints.properties), "endpoint_metrics": .bool(endpoints.metrics),
            "endpoint_history": .bool(endpoints.history), "build_info": .string(build), "is_sleeping": false,
        ]
    }

    /// `/lora-adapters`: every adapter with its current scale.
    package static func adapters(_ adapters: [AdapterInformation], scales: [AdapterScale]) -> JSONValue {
        .array(
            adapters.enumerated().map { index, adapter in
                // An adapter without a scale is off.
                let scale = scales.first { $0.index == index }?.scale ?? 0
                return [
                    "id": integer(index), "path": .string(adapter.path),
                    "scale": .number(Double(scale.description) ?? Double(scale)),
                    "task_name": .string(adapter.taskName), "prompt_prefix": .string(adapter.promptPrefix),
                ]
            })
    }

    /// `/slots`: counts per slot. Texts of prompts and outputs are never shown.
    ///
    /// - Parameter speculates: whether requests speculate unless they choose otherwise.
    package static func slots(_ status: EngineStatus, contextLength: Int, speculates: Bool = false) -> JSONValue {
        .array(
            status.slots.map { slot in
                var members: JSONObject = [
                    "id": integer(slot.index), "n_ctx": integer(contextLength), "speculative": .bool(speculates),
                    "is_processing": .bool(slot.phase != .idle),
                ]
                // An idle slot shows its last request.
                if slot.phase != .idle || slot.handle != nil {
                    members["id_task"] = .integer(Int64(clamping: slot.handle?.rawValue ?? 0))
                    members["n_prompt_tokens"] = integer(slot.promptTokens)
                    members["n_prompt_tokens_processed"] = integer(slot.promptTokensProcessed)
                    members["n_prompt_tokens_cache"] = integer(slot.cachedTokens)
                    members["next_token"] = [
                        [
                            "has_next_token": .bool(slot.phase != .idle), "has_new_line": .bool(slot.hasLineBreak),
                            // -1 is llama-server's word for no limit.
                            "n_remain": integer(slot.remainingTokens ?? -1), "n_decoded": integer(slot.predictedTokens),
                        ]
                    ]
                }
                return .object(members)
            })
    }

    private static func integer(_ value: Int) -> JSONValue { .integer(Int64(value)) }
}
