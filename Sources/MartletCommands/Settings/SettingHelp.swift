import OrderedCollections

/// The help texts of `serve` and `worker` and the page `docs/flags.md`, made from the table.
enum SettingHelp {
    private static let width = 100
    private static let indent = String(repeating: " ", count: 8)

    /// The text of `--help`, at most 100 columns wide.
    static func text(for command: SettingCommand, abstract: String) -> String {
        var lines = [abstract, "", "USAGE: martlet \(command.rawValue) [FLAG ...]"]
        let settings = SettingTable.settings(of: command)
        for section in Setting.Section.allCases {
            let members = settings.filter { $0.section == section }
            if members.isEmpty { continue }
            lines += ["", section.rawValue.uppercased() + ":"]
            for setting in members { lines += entry(setting) }
        }
        lines += [
            "",
            "A flag overrides its environment variables; these override the file of --config. '--flag VALUE' and",
            "'--flag=VALUE' are the same. Underscores and dashes are the same.",
        ]
        return lines.joined(separator: "\n")
    }

    /// The lines of one setting: spellings, help, variables.
    private static func entry(_ setting: Setting) -> [String] {
        var names = (setting.otherNames.filter { !$0.hasPrefix("--") } + setting.names.filter { $0.hasPrefix("--") })
            .joined(separator: ", ")
        names += setting.negativeNames.map { ", " + $0 }.joined()
        if !setting.placeholder.isEmpty { names += " " + setting.placeholder }
        var help = setting.help
        if let detail = detail(setting) { help += " " + detail }
        return ["  " + names] + wrapped(help) + wrapped("env: " + setting.environmentNames.joined(separator: ", "))
    }

    /// `(one of a, b; default: a)`
    private static func detail(_ setting: Setting) -> String? {
        var parts: [String] = []
        if case .choice(let words) = setting.kind { parts.append("one of " + words.joined(separator: ", ")) }
        if let text = setting.defaultText { parts.append("default: \(text)") }
        if let meaning = setting.unsetMeaning { parts.append("default: \(meaning)") }
        return parts.isEmpty ? nil : "(" + parts.joined(separator: "; ") + ")"
    }

    /// Wraps a text at blanks and indents each line.
    private static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, indent.count + line.count + 1 + word.count > width {
                lines.append(indent + line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        lines.append(indent + line)
        return lines
    }

    /// The page `docs/flags.md`.
    static func markdown() -> String {
        var lines = [
            "# Flags", "",
            "Made by `martlet flags` from the table that the program uses. Do not edit this page.", "",
            "```console",
            "$ echo 'ctx-size = many' > martlet.conf",
            "$ martlet serve --config martlet.conf",
            "martlet: martlet.conf:1: --ctx-size must be a whole number from 0 to 2147483647, not 'many'",
            "$ MARTLET_CTX_SIZE=many martlet serve",
            "martlet: MARTLET_CTX_SIZE must be a whole number from 0 to 2147483647, not 'many'",
            "$ martlet serve --ctx 8192",
            "martlet: unknown flag --ctx; did you mean --ctx-size?",
            "```", "",
            "A flag, a variable and a line of the file of `--config` set the same value; errors name the place of the value.",
            "",
            "`martlet serve` accepts all flags. Flags with the mark W configure the worker. A flag overrides its environment",
            "variables, and the first variable that is set counts. Variables override the file of `--config`, and the file",
            "overrides the default. `--flag VALUE` and `--flag=VALUE` are the same. Underscores and dashes are the same.",
            "",
            "Flags with lists, and flags whose text says so, may be repeated: their values are combined. In a list, double quotes",
            "protect commas. If llama-server has the flag, the names are the same. `martlet flags --json` prints this page for",
            "programs, `martlet flags --man` prints the man page, and `martlet flags --completions SHELL` prints completions.",
        ]
        for section in Setting.Section.allCases {
            lines += [
                "", "## \(section.rawValue)", "", "| flag | value | default | meaning | environment |",
                "|---|---|---|---|---|",
            ]
            for setting in SettingTable.all where setting.section == section { lines.append(row(setting)) }
        }
        lines += peerFlags()
        return lines.joined(separator: "\n")
    }

    /// The sections about flags of llama-server that are not settings.
    private static func peerFlags() -> [String] {
        var lines = [
            "", "## Flags of llama-server without effect", "",
            "These flags and their variables (`LLAMA_ARG_` and the name) are accepted. If there is a reason, the log has it.",
            "",
        ]
        for flag in PeerFlags.all {
            for (names, support) in [(flag.names, flag.support), (flag.negatives, flag.negativeSupport)] {
                switch support {
                case .always where !names.isEmpty: lines.append("- \(code(names)): this is the only behaviour")
                case .withoutEffect(let reason) where !names.isEmpty: lines.append("- \(code(names)): \(reason)")
                default: break
                }
            }
        }
        lines += [
            "", "## Flags of llama-server that are not supported yet", "",
            "These flags and their variables are refused by name, unless their value has no effect.", "",
        ]
        var names: OrderedDictionary<String, [String]> = [:]
        for flag in PeerFlags.all {
            if case .missing(let capability) = flag.support { names[capability, default: []] += flag.names }
            if case .missing(let capability) = flag.negativeSupport {
                names[capability, default: []] += flag.negatives
            }
        }
        for (capability, names) in names { lines.append("- \(capability): \(code(names))") }
        return lines + [""]
    }

    /// A row of a section's table. Vertical bars within cells are escaped.
    private static func row(_ setting: Setting) -> String {
        let names = setting.names + setting.negativeNames
        let scope = setting.scope == .edge ? "" : " W"
        let fallback = setting.defaultText.map { "`\($0)`" } ?? setting.unsetMeaning ?? ""
        // The name of the value tells its unit, as in --help.
        let value = setting.placeholder.isEmpty ? setting.rule : "`\(setting.placeholder)`: \(setting.rule)"
        let cells = [
            code(names) + scope, value, fallback, setting.help, code(setting.environmentNames),
        ]
        return "| " + cells.map { String($0.flatMap { $0 == "|" ? Array("\\|") : [$0] }) }.joined(separator: " | ")
            + " |"
    }

    /// Words as code in Markdown, with commas between them.
    private static func code(_ words: [String]) -> String {
        words.map { "`\($0)`" }.joined(separator: ", ")
    }
}
