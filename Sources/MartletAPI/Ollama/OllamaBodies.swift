package import MartletJSON
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
        /// Seconds since 1970.
        package var modified: Int
        /// The chat template.
        package var template: String
        /// The abilities of the model in Ollama's words: `completion`, `tools`, `thinking`, `insert`, `embedding`.
        package var capabilities: [String]

        /// Makes the entry of a model. A model that was never loaded has no facts and an empty template.
        package init(
            name: String, information: ModelInformation?, modified: Int, template: String, capabilities: [String]
        ) {
            self.name = name
            self.information = information
            self.modified = modified
            self.template = template
            self.capabilities = capabilities
        }

        /// The first word of libllama's description, which is the architecture.
        private var family: String { information?.summary.split(separator: " ").first.map(String.init) ?? "" }

        /// The facts that every list shows. Clients sort and filter by them.
        fileprivate var details: JSONValue {
            [
                "parent_model": "", "format": "gguf", "family": .string(family), "families": [.string(family)],
                "parameter_size": .string(information.map { OllamaBodies.size($0.parameterCount) } ?? ""),
                "quantization_level": .string(information?.fileType ?? ""),
            ]
        }

        /// An element of a list. There is no digest: the file is not hashed at a start.
        fileprivate var entry: JSONObject {
            [
                "name": .string(name), "model": .string(name), "modified_at": .string(OllamaTime.text(modified)),
                "size": .integer(Int64(clamping: information?.byteCount ?? 0)), "digest": "", "details": details,
            ]
        }

        /// Metadata with the keys of model files. Only keys that clients read are here.
        fileprivate var facts: JSONObject {
            guard let information else { return [:] }
            return [
                "general.architecture": .string(family),
                "general.parameter_count": .integer(Int64(clamping: information.parameterCount)),
                "general.basename": .string(information.name ?? name),
                // Clients read the largest usable prompt here.
                "\(family).context_length": .integer(Int64(information.sequenceContextLength)),
                "\(family).embedding_length": .integer(Int64(information.embeddingLength)),
                "tokenizer.ggml.vocab_size": .integer(Int64(information.vocabularySize)),
            ]
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
            "modified_at": .string(OllamaTime.text(model.modified)),
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
