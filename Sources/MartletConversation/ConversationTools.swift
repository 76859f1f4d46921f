package import MartletJSON
package import MartletText

/// The tools of a conversation and the rules for their use, validated.
package struct ConversationTools: Sendable, Equatable {
    /// A function that the model may call.
    package struct Tool: Sendable, Equatable {
        package var name: String
        /// A JSON schema of an object.
        package var parameters: JSONValue
        /// Whether the arguments must follow the schema in every point. False = as far as a grammar can express it;
        /// nil = the request's mode for schemas.
        package var isStrict: Bool?
        /// The tool as chat templates show it to the model: `{"type": "function", "function": {…}}`.
        package var templateForm: JSONValue

        /// Makes a tool from validated values.
        package init(name: String, parameters: JSONValue, isStrict: Bool?, templateForm: JSONValue) {
            self.name = name
            self.parameters = parameters
            self.isStrict = isStrict
            self.templateForm = templateForm
        }

        /// Makes a tool whose template form has a name, a description and a schema.
        package init(name: String, description: String, parameters: JSONObject, isStrict: Bool? = nil) {
            var shown = parameters
            // Templates read these members without a check.
            if shown["type"] != "object" { shown["type"] = "object" }
            if shown["properties"]?.objectValue == nil { shown["properties"] = [:] }
            self.init(
                name: name, parameters: .object(parameters), isStrict: isStrict,
                templateForm: [
                    "type": "function",
                    "function": [
                        "name": .string(name), "description": .string(description), "parameters": .object(shown),
                    ],
                ])
        }
    }

    /// The model's duty towards the tools.
    package enum Choice: Sendable, Equatable {
        /// Call tools or write content.
        case auto
        /// Write content only.
        case none
        /// Call at least one of the offered tools.
        case required
    }

    /// All tools of the request. Their names differ.
    package var tools: [Tool] = []
    package var choice = Choice.auto
    /// Whether the prompt describes the tools although none may be called, so that it begins as the prompts before.
    package var isAlwaysShown = false
    /// The names of the tools that may be called; nil = all.
    package var allowed: Set<ExactString>?
    /// Whether one output may contain several calls.
    package var allowsSeveral = true

    /// Makes the value of a request without tools.
    package init() {}

    /// Whether the model may call anything.
    package var isActive: Bool { choice != .none && !tools.isEmpty }

    /// The tools that the prompt describes; nil = the prompt has no tools.
    package var shown: [Tool]? { choice == .none && !isAlwaysShown ? nil : tools }

    /// The tools that may be called.
    package var offered: [Tool] {
        guard choice != .none else { return [] }
        return tools.filter { allowed?.contains($0.name) ?? true }
    }
}
