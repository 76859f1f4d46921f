package import MartletJSON
package import MartletModels
package import MartletProtocol
import OrderedCollections

/// JSON of Ollama's routes that describe models, and its error.
package enum OllamaBodies {
    /// The version of Ollama whose API this dialect follows. Clients compare it with the version that they need.
    package static let version = "0.12.6"

    /// A model as the lists show it.
    package struct Model: Sendable {
        /// The name that requests use and that responses carry.
        package var name: String
        /// The facts of the model from its last load; nil until it was loaded.
        package var information: ModelInformation?
        /// The facts of the head of the file; nil if the server did not read it.
        package var summary: ModelSummary?
        /// Size, time and digest of the files; nil if they are not on this machine.
        package var files: ModelFileFacts?
        /// Seconds since 1970, for a model without files.
        package var modified: Int
        /// The chat template; empty for a model that was never loaded.
        package var template: String
        /// The abilities of the model in Ollama's words: `completion`, `tools`, `thinking`, `insert`, `embedding`.
        package var capabilities: [String]

        /// Makes the entry of a model. The facts of a load come before those of the head.
        package init(
            name: String, information: ModelInformation?, summary: ModelSummary? = nil, files: ModelFileFacts? = nil,
            modified: Int, template: String, capabilities: [String]
        ) {
            self.name = name
            self.information = information
            self.summary = summary
            self.files = files
            self.modified = modified
            self.template = template
            self.capabilities = capabilities
        }

        /// The abilities that the head of a file states, in Ollama's words.
        package static func capabilities(of summary: ModelSummary?) -> [String] {
            (summary?.capabilities ?? [.completion]).compactMap { capability in
                switch capability {
                case .completion: "completion"
                case .tools: "tools"
                case .reasoning: "thinking"
                case .vision: "vision"
                case .embeddings: "embedding"
                case .infill: "insert"
                case .audio, .rerank: nil
                }
            }
        }

        /// The architecture, or the first word of libllama's description.
        private var family: String {
            information?.summary.split(separator: " ").first.map(String.init) ?? summary?.architecture ?? ""
        }

        /// The bytes of the files, at least those of the tensors.
        private var byteCount: UInt64 {
            max(files?.byteCount ?? 0, information.map(\.byteCount) ?? summary?.byteCount ?? 0)
        }

        fileprivate var modifiedText: String { OllamaTime.text(files?.modified ?? modified) }

        /// The facts that every list shows. Clients sort and filter by them.
        fileprivate var details: JSONValue {
            let parameterCount = information?.parameterCount ?? summary?.parameterCount
            return [
                "parent_model": "", "format": "gguf", "family": .string(family), "families": [.string(family)],
                "parameter_size": .string(parameterCount.map { OllamaBodies.size($0) } ?? ""),
                "quantization_level": .string(information?.fileType ?? summary?.quantization ?? ""),
            ]
        }

        /// An element of a list. The digest is that of the cache; other files are not hashed, so it is empty for them.
        fileprivate var entry: JSONObject {
            [
                "name": .string(name), "model": .string(name), "modified_at": .string(modifiedText),
                "size": JSONValue(byteCount), "digest": .string(files?.digest ?? ""), "details": details,
            ]
        }

        /// Metadata with the keys of model files. Only keys that clients read are here.
        fileprivate var facts: JSONObject {
            var facts: JSONObject = [:]
            if !family.isEmpty { facts["general.architecture"] = .string(family) }
            if let count = information?.parameterCount ?? summary?.parameterCount {
                facts["general.parameter_count"] = JSONValue(count)
            }
            facts["general.basename"] = .string(information?.name ?? summary?.displayName ?? name)
            // Clients read the largest usable prompt here.
            if let length = information?.sequenceContextLength ?? summary?.trainedContextLength {
                facts["\(family).context_length"] = .integer(Int64(length))
            }
            if let length = information?.embeddingLength {
                facts["\(family).embedding_length"] = .integer(Int64(length))
            }
            if let size = information?.vocabularySize ?? summary?.vocabularySize {
                facts["tokenizer.ggml.vocab_size"] = .integer(Int64(size))
            }
            return facts
        }
    }

    /// `/api/tags`: the models that requests can name.
    package static func tags(_ models: [Model]) -> JSONValue {
        ["models": .array(models.map { .object($0.entry) })]
    }

    /// `/api/ps`: the loaded models.
    package static func running(_ models: [Model]) -> JSONValue {
        [
            "models": .array(
                models.map { model in
                    var entry = model.entry
                    entry["modified_at"] = nil
                    entry["expires_at"] = .string(OllamaTime.never)
                    entry["size_vram"] = 0
                    entry["context_length"] = .integer(Int64(model.information?.sequenceContextLength ?? 0))
                    return .object(entry)
                })
        ]
    }

    /// `/api/show`. The modelfile names the model only: paths of this machine are no business of a client.
    package static func show(_ model: Model) -> JSONValue {
        [
            "modelfile": .string("FROM \(model.name)\n"), "parameters": "", "template": .string(model.template),
            "details": model.details, "model_info": .object(model.facts),
            "capabilities": .array(model.capabilities.map { .string($0) }),
            "modified_at": .string(model.modifiedText),
        ]
    }

    /// The response to a request without a prompt, with which a client loads a model.
    ///
    /// - Parameter isUnload: whether the request asked for the unload of the model (`keep_alive: 0`).
    package static func loaded(
        model: String, created: Int, form: OllamaView.Form, isUnload: Bool = false
    ) -> JSONValue {
        var members: JSONObject = ["model": .string(model), "created_at": .string(OllamaTime.text(created))]
        switch form {
        case .chat: members["message"] = ["role": "assistant", "content": ""]
        case .generate: members["response"] = ""
        }
        members["done_reason"] = isUnload ? "unload" : "load"
        members["done"] = true
        return .object(members)
    }

    /// The name of a model without the tag `:latest`, which clients add to names without a tag.
    package static func modelName(_ name: String) -> String { OllamaFields.modelName(name) }

    /// `{"error":"…"}`. Ollama's errors have no kind; a client sees the message and the HTTP status.
    package static func error(_ message: String) -> [UInt8] {
        JSONValue.object(["error": .string(message)]).bytes
    }

    /// A count with a unit, such as 7.6B or 494M. Counts from 100 units on have no decimal.
    static func size(_ count: UInt64) -> String {
        func text(_ divisor: UInt64, _ unit: String) -> String {
            let tenths = (count * 10 + divisor / 2) / divisor
            return tenths >= 1_000 ? "\(tenths / 10)\(unit)" : "\(tenths / 10).\(tenths % 10)\(unit)"
        }
        return switch count {
        case 1_000_000_000...: text(1_000_000_000, "B")
        case 1_000_000...: text(1_000_000, "M")
        case 1_000...: text(1_000, "K")
        default: "\(count)"
        }
    }
}
