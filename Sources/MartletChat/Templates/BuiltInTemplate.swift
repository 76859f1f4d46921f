import OrderedCollections

/// Chat templates with a name, such as `llama3`, for model files without a template (`--chat-template NAME`).
///
///     {% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}<|end|>\n{% endfor %}…   (phi3)
///
/// Names and prompts are those of libllama's `llama_chat_apply_template`; a test renders the same messages with both.
/// The sources are Jinja and not code, so that they are analysed, limited and tested as a model's own template is.
package enum BuiltInTemplate {
    /// All names, in the order of help texts.
    package static var names: [String] { Array(sources.keys) }

    /// The source of the template with this name; nil if there is none.
    package static func source(named name: String) -> String? { sources[name] }

    private static let sources: OrderedDictionary<String, String> = marked.merging(plain) { first, _ in first }

    // MARK: Parts of templates

    /// Writes a message's content as it is.
    static let content = "{{ message.content }}"
    /// Writes a message's content without white space at its ends.
    static let trimmed = "{{ message.content | trim }}"

    /// Writes `turn` for each message.
    static func every(_ turn: String) -> String { "{% for message in messages %}\(turn){% endfor %}" }

    /// Writes `prompt` if a reply is requested.
    static func generationPrompt(_ prompt: String) -> String { "{% if add_generation_prompt %}\(prompt){% endif %}" }

    /// A different turn for each role. A role without a turn writes nothing.
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

    /// A comment with the delimiters of reasoning, for models whose template never writes them. Recognition reads the
    /// source.
    static func reasoningHint(_ start: String, _ end: String) -> String { "{# \(start)\(end) #}" }

    /// Stores a system message and lets `turn` begin the next turn that accepts it: `pendingSystem` writes it.
    static func deferringSystem(_ content: String, _ turn: String) -> String {
        "{% set ns = namespace(system='') %}"
            + every(
                "{% if message.role == 'system' %}{% set ns.system = ns.system + (\(content)) %}"
                    + "{% else %}\(turn){% endif %}")
    }

    /// Writes the stored system message and clears it.
    static let pendingSystem = "{{ ns.system }}\n\n{% set ns.system = '' %}"
}
