/// What is known of templates, as tables in Markdown.
package struct ChatFormatTable {
    package private(set) var text = """
        | template | family | found by | thinking | calls | several | system | tools |
        | --- | --- | --- | --- | --- | --- | --- | --- |

        """

    package init() {}

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

    /// The known families: their markers, and the form of a call's arguments.
    package static func formats() -> String {
        var text = """
            | family | thinking | calls | arguments | several |
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

    /// The page `docs/templates.md`: the families, then the templates added so far.
    package var page: String {
        """
        # Templates

        Made by `martlet templates --page FILES`. How a model writes thinking and tool calls is taken from its chat template: from
        what the template renders for past turns (*behaviour*), or from the differences between what it renders (*analysis*). Where it
        does not show past calls, phrases tell the family: in what it renders of tools (*rendering*), or in its source (*source*).

        `martlet template parse TEMPLATE INPUT.json` prints the message that an answer is read as, for INPUT such as
        `{"output": "<think>Hm.</think>Yes."}` with `tools`, `messages`, `kwargs` and `reasoning_format` as in a request. With `--explain`
        it prints what was recognised where. The answer is read whole and cut at every place, and the command fails where the two differ.

        A call ends thinking, with or without the marker that ends it. A marker is never content: one that is missing or comes twice
        is passed over where what is meant is certain; one that belongs to nothing is left out. Behind a backtick it is quoted, and text.
        What was to be a call and is none (an unknown tool, say) is text without its markers, and a warning.
        Both forms of Mistral, a list of objects and names with `[ARGS]`, are read with the templates of either.

        ## Families

        ⏎ is a line end. Where an argument stands between tags, strings are written as they are. A family without thinking of its own
        (–) has that of its template, if there is any.

        \(Self.formats())
        ## Templates

        *system*: a system message is a role of its own. *tools*: the template shows tools to the model.

        \(text)
        """
    }

    private static func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }

    private static func mark(_ value: Bool) -> String { value ? "yes" : "no" }

    private static func code(_ text: String) -> String {
        let shown = text.replacing("\n", with: "⏎").replacing("|", with: "\\|")
        return shown.contains("`") ? "`` \(shown) ``" : "`\(shown)`"
    }

    private static func reasoning(_ format: ChatFormat) -> String {
        guard let reasoning = format.reasoning else { return "–" }
        return "\(code(reasoning.start)) … \(code(reasoning.ends[0]))"
    }

    private static func calls(_ format: ChatFormat) -> String {
        guard let calls = format.calls else { return "–" }
        let front = calls.opening + (calls.isList ? "[" : "") + calls.callOpening
        let behind = calls.callClosing + (calls.isList ? "]" : "") + calls.closing
        let head = format.messageHead.map { $0.starts[0] + ($0.call ?? "") } ?? ""
        return "\(code(head + front)) … " + (behind.isEmpty ? "" : code(behind))
    }

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
