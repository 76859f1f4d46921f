/// Known formats and templates as tables in Markdown, for `martlet template formats` and docs/templates.md.
package struct ChatFormatTable {
    /// The table of templates so far.
    package private(set) var text = """
        | template | chat format | found by | reasoning | calls | several | system | tools |
        | --- | --- | --- | --- | --- | --- | --- | --- |

        """

    /// A table without rows.
    package init() {}

    /// Appends a row for a template.
    package mutating func add(_ name: String, _ template: ChatTemplate) {
        let format = template.format.format
        let capabilities = template.capabilities
        let file = name.split(separator: "/").last.map(String.init) ?? name
        text += Self.row([
            file, format.name, template.formatSource.rawValue, Self.reasoning(format), Self.calls(format),
            Self.mark(format.calls?.allowsSeveral ?? false), Self.mark(capabilities.supportsSystemRole),
            Self.mark(capabilities.supportsTools),
        ])
    }

    /// The table of known formats: delimiters, and the notation of a call's arguments.
    package static func formats() -> String {
        var text = """
            | chat format | reasoning | calls | arguments | several |
            | --- | --- | --- | --- | --- |

            """
        for format in ChatFormat.all + [.gemmaFenced] {
            text += row([
                format.name, reasoning(format), calls(format), arguments(format),
                mark(format.calls?.allowsSeveral ?? false),
            ])
        }
        return text
    }

    /// The page `docs/templates.md`: the known formats, then the templates added so far. A test compares the file with
    /// it.
    package var page: String {
        """
        # Templates

        ```console
        $ printf '%s' '{% for m in messages %}[{{ m.role }}]{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}
          {{- m.content }}{% endfor %}[assistant]' > my.jinja
        $ echo '{"output": "<think>Hm.</think>Yes."}' > output.json
        $ martlet template parse my.jinja output.json
        {"content":"Yes.","reasoning_content":"Hm.","tool_calls":[]}
        ```

        Made by `martlet template formats --page FILES`. The chat format of a model, that is its way to write reasoning and tool calls, is found
        by rendering its chat template. *behaviour*: calls that the template renders parse back with this format. *analysis*: so do they
        with a format that was derived from the renderings. Some templates do not render past calls; then a phrase names the format, in
        the rendered tools (*rendering*) or in the source (*source*).

        `martlet template parse TEMPLATE INPUT.json` prints the message in which an output results; INPUT may also have `tools`, `messages`,
        `kwargs` and `reasoning_format` as in a request. With `--explain` it prints which bytes were recognised as what. The output is parsed
        whole and cut at every byte. The command fails if the results differ.

        A tool call ends reasoning, with or without the end delimiter. A delimiter is never content. A delimiter that is missing or
        repeated is tolerated if the meaning is certain, and a delimiter without its counterpart is removed. Behind a backtick a delimiter
        is quoted, so it is text. A tool call that fails, for example because the tool was not offered, is text without its delimiters, and
        a warning. The templates of Mistral's models accept both notations, a list of objects and names with `[ARGS]`.

        ## Chat formats

        ⏎ is a line feed. Strings between tags are written without quotes and escapes. A format without reasoning delimiters (–) has those
        of the model's template, if there are any.

        \(Self.formats())
        ## Templates

        *system*: the template has a system role. *tools*: the template renders tools. *several*: a turn may contain several tool calls.

        \(text)
        """
    }

    private static func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }

    /// yes or no.
    private static func mark(_ value: Bool) -> String { value ? "yes" : "no" }

    /// A text as code in Markdown, with visible line feeds.
    private static func code(_ text: String) -> String {
        let shown = text.replacing("\n", with: "⏎").replacing("|", with: "\\|")
        return shown.contains("`") ? "`` \(shown) ``" : "`\(shown)`"
    }

    /// The delimiters of reasoning.
    private static func reasoning(_ format: ChatFormat) -> String {
        guard let reasoning = format.reasoning else { return "–" }
        return "\(code(reasoning.start)) … \(code(reasoning.ends[0]))"
    }

    /// The delimiters around calls.
    private static func calls(_ format: ChatFormat) -> String {
        guard let calls = format.calls else { return "–" }
        let front = calls.opening + (calls.isList ? "[" : "") + calls.callOpening
        let behind = calls.callClosing + (calls.isList ? "]" : "") + calls.closing
        let head = format.messageHead.map { $0.starts[0] + ($0.call ?? "") } ?? ""
        return "\(code(head + front)) … " + (behind.isEmpty ? "" : code(behind))
    }

    /// The notation of arguments.
    private static func arguments(_ format: ChatFormat) -> String {
        switch format.calls?.shape {
        case .object(let name, let arguments, _)?: code("{\"\(name)\": …, \"\(arguments)\": {…}}")
        case .nameAsKey?: code("{\"NAME\": {…}}")
        case .headed(_, .object)?: "name, then a JSON object"
        case .headed(_, .python)?: code("NAME(key=value, …)")
        case .headed(_, .gemma)?: code("NAME{key:value,…}")
        case .headed(_, .tagged(let tags))?: code(tags.opening + "KEY … " + tags.closing)
        case nil: "–"
        }
    }
}
