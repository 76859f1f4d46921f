import OrderedCollections

/// Chat templates that have a name, such as `llama3`, for models whose file has none.
///
/// Names and prompts are those of libllama's `llama_chat_apply_template`; a test renders the same messages with both.
/// The sources are Jinja, so that they are analysed and limited as a model's own are.
package enum BuiltInTemplate {
    /// In the order of help texts.
    package static var names: [String] { Array(sources.keys) }

    /// The template of that name; `nil` when there is none.
    package static func source(named name: String) -> String? { sources[name] }

    private static let sources: OrderedDictionary<String, String> = marked.merging(plain) { first, _ in first }

    // MARK: Parts of templates

    static let content = "{{ message.content }}"
    static let trimmed = "{{ message.content | trim }}"

    /// Writes `turn` for each message.
    static func every(_ turn: String) -> String { "{% for message in messages %}\(turn){% endfor %}" }

    /// Writes `prompt` where an answer is asked for.
    static func generationPrompt(_ prompt: String) -> String { "{% if add_generation_prompt %}\(prompt){% endif %}" }

    /// One form of turn for each of these roles.
    static func roles(
        system: String? = nil, user: String? = nil, assistant: String? = nil, tool: String? = nil,
        others: String? = nil
    ) -> String {
        var text = ""
        for (role, turn) in [("system", system), ("user", user), ("assistant", assistant), ("tool", tool)] {
            guard let turn else { continue }
            text += "{% \(text.isEmpty ? "if" : "elif") message.role == '\(role)' %}\(turn)"
        }
        return text + (others.map { "{% else %}\($0)" } ?? "") + "{% endif %}"
    }

    /// Words that tell how the model marks its thinking, where the template itself never writes them.
    static func reasoningHint(_ start: String, _ end: String) -> String { "{# \(start)\(end) #}" }

    /// Keeps a system message, by which `turn` begins the next turn that takes it: `pendingSystem` writes it.
    static func deferringSystem(_ content: String, _ turn: String) -> String {
        "{% set ns = namespace(system='') %}"
            + every(
                "{% if message.role == 'system' %}{% set ns.system = ns.system + (\(content)) %}"
                    + "{% else %}\(turn){% endif %}")
    }

    static let pendingSystem = "{{ ns.system }}\n\n{% set ns.system = '' %}"
}
