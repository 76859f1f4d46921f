package import MartletJSON
package import MartletProtocol
import OrderedCollections

/// The bodies of the routes that tell what a server is and does. Members and names are llama-server's.
package enum ServerBodies {
    /// `/v1/models` and `/models`: OpenAI's list in `data`, Ollama's in `models`.
    /// - Parameter model: `nil` while the model loads; its `meta` is then left out.
    package static func models(name: String, aliases: [String], created: Int, model: ModelInformation?) -> JSONValue {
        var entry: JSONObject = [
            "id": .string(name), "aliases": .array(aliases.map { .string($0) }), "tags": [], "object": "model",
            "created": .integer(Int64(created)), "owned_by": "martlet",
        ]
        if let model {
            entry["meta"] = [
                "vocab_type": .integer(Int64(model.vocabularyKind)), "n_vocab": integer(model.vocabularySize),
                "n_ctx": integer(model.sequenceContextLength), "n_ctx_train": integer(model.trainedContextLength),
                "n_embd": integer(model.embeddingLength), "n_params": .integer(Int64(clamping: model.parameterCount)),
                "size": .integer(Int64(clamping: model.byteCount)), "ftype": .string(model.fileType),
            ]
        }
        let legacy: JSONValue = [
            "name": .string(name), "model": .string(name), "modified_at": "", "size": "", "digest": "", "type": "model",
            "description": "", "tags": [""], "capabilities": ["completion"], "parameters": "",
            "details": [
                "parent_model": "", "format": "gguf", "family": "", "families": [""], "parameter_size": "",
                "quantization_level": "",
            ],
        ]
        return ["models": [legacy], "object": "list", "data": [.object(entry)]]
    }

    /// `/props`.
    package static func properties(
        model: ModelInformation, name: String, chatTemplate: String, capabilities: JSONValue,
        defaults: CompletionDefaults, endpoints: (slots: Bool, metrics: Bool), build: String
    ) -> JSONValue {
        [
            "default_generation_settings": [
                "params": settings(defaults), "n_ctx": integer(model.sequenceContextLength),
            ],
            "total_slots": integer(model.sequenceCount), "model_alias": .string(name),
            "model_ftype": .string(model.fileType), "model_path": .string(model.path),
            "modalities": ["vision": false, "video": false, "audio": false],
            "endpoint_slots": .bool(endpoints.slots), "endpoint_props": false,
            "endpoint_metrics": .bool(endpoints.metrics), "chat_template": .string(chatTemplate),
            "chat_template_caps": capabilities, "bos_token": .string(model.beginningToken),
            "eos_token": .string(model.endToken), "build_info": .string(build), "is_sleeping": false,
        ]
    }

    private static func settings(_ defaults: CompletionDefaults) -> JSONValue {
        let sampling = defaults.sampling
        return [
            "seed": defaults.seed.map { .integer(Int64(clamping: $0)) } ?? -1,
            "temperature": float(sampling.temperature), "top_k": integer(sampling.topK),
            "top_p": float(sampling.topP), "min_p": float(sampling.minP),
            "dynatemp_range": float(sampling.dynamicTemperatureRange),
            "dynatemp_exponent": float(sampling.dynamicTemperatureExponent),
            "top_n_sigma": float(sampling.topNSigma), "typical_p": float(sampling.typicalP),
            "xtc_probability": float(sampling.xtcProbability), "xtc_threshold": float(sampling.xtcThreshold),
            "dry_multiplier": float(sampling.dry.multiplier), "dry_base": float(sampling.dry.base),
            "dry_allowed_length": integer(sampling.dry.allowedLength),
            "dry_penalty_last_n": integer(sampling.dry.lastN),
            "dry_sequence_breakers": .array(sampling.dry.sequenceBreakers.map { .string($0) }),
            "mirostat": integer(Int(sampling.mirostat.rawValue)), "mirostat_tau": float(sampling.mirostatTau),
            "mirostat_eta": float(sampling.mirostatEta), "adaptive_target": float(sampling.adaptiveTarget),
            "adaptive_decay": float(sampling.adaptiveDecay), "min_keep": integer(sampling.minKeep), "n_probs": 0,
            "post_sampling_probs": false, "logit_bias": [],
            "repeat_last_n": integer(sampling.repeatLastN), "repeat_penalty": float(sampling.repeatPenalty),
            "presence_penalty": float(sampling.presencePenalty), "frequency_penalty": float(sampling.frequencyPenalty),
            "n_predict": integer(defaults.maximumTokens ?? -1),
            "reasoning_format": .string(defaults.reasoningFormat.rawValue),
            "samplers": .array(SamplerNames.names(sampling.samplers)),
        ]
    }

    /// `/slots`. The texts of prompts and answers are never shown.
    package static func slots(_ status: EngineStatus, contextLength: Int) -> JSONValue {
        .array(
            status.slots.map { slot in
                var members: JSONObject = [
                    "id": integer(slot.index), "n_ctx": integer(contextLength), "speculative": false,
                    "is_processing": .bool(slot.phase != .idle),
                ]
                if slot.phase != .idle {
                    members["id_task"] = .integer(Int64(clamping: slot.handle?.rawValue ?? 0))
                    members["n_prompt_tokens"] = integer(slot.promptTokens)
                    members["n_prompt_tokens_processed"] = integer(slot.promptTokensProcessed)
                    members["n_prompt_tokens_cache"] = integer(slot.cachedTokens)
                    members["next_token"] = [
                        ["has_next_token": true, "n_decoded": integer(slot.predictedTokens)]
                    ]
                }
                return .object(members)
            })
    }

    private static func integer(_ value: Int) -> JSONValue { .integer(Int64(value)) }

    /// The shortest decimal that is the same `Float`: 0.95, not 0.949999988079071.
    private static func float(_ value: Float) -> JSONValue { .number(Double(value.description) ?? Double(value)) }
}
