/// Help text of a command, made from the table.
enum SettingHelp {
    private static let width = 100
    private static let indent = String(repeating: " ", count: 8)

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
            "A flag comes before its environment variable, that before the file of --config. '--flag VALUE' and",
            "'--flag=VALUE' are the same, and so are underscores and dashes.",
        ]
        return lines.joined(separator: "\n")
    }

    private static func entry(_ setting: Setting) -> [String] {
        var names = (setting.otherNames.filter { !$0.hasPrefix("--") } + setting.names.filter { $0.hasPrefix("--") })
            .joined(separator: ", ")
        if let negative = setting.negativeName { names += ", " + negative }
        if !setting.placeholder.isEmpty { names += " " + setting.placeholder }
        var help = setting.help
        if let detail = detail(setting) { help += " " + detail }
        return ["  " + names] + wrapped(help) + wrapped("env: " + setting.environmentNames.joined(separator: ", "))
    }

    private static func detail(_ setting: Setting) -> String? {
        var parts: [String] = []
        if case .choice(let words) = setting.kind { parts.append("one of " + words.joined(separator: ", ")) }
        if let text = setting.defaultText { parts.append("default: \(text)") }
        if let meaning = setting.unsetMeaning { parts.append("default: \(meaning)") }
        return parts.isEmpty ? nil : "(" + parts.joined(separator: "; ") + ")"
    }

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
            "Made by `martlet flags` from the table that the program itself uses; not edited by hand.", "",
            "`martlet serve` takes all of these, `martlet worker` those that are marked W. A flag comes before its",
            "environment variables, of which the first that is set counts, and these before the file of `--config`; what",
            "nothing sets has its default. `--flag VALUE` and `--flag=VALUE` are the same, and so are underscores and",
            "dashes. Names are llama-server's where it has the flag. `martlet flags --json` prints the same for programs.",
        ]
        for section in Setting.Section.allCases {
            lines += [
                "", "## \(section.rawValue)", "", "| flag | value | default | meaning | environment |",
                "|---|---|---|---|---|",
            ]
            for setting in SettingTable.all where setting.section == section { lines.append(row(setting)) }
        }
        lines += ["", "## Flags of llama-server that change nothing", ""]
        for entry in PeerFlags.always {
            lines.append(
                "- \(code(entry.names)): \(entry.meaning), so \(code(entry.negatives)) is refused")
        }
        lines += [
            "", "## Flags of llama-server that martlet does not have yet", "",
            "They are refused by name: " + code(PeerFlags.missing.sorted()) + ".", "",
        ]
        return lines.joined(separator: "\n")
    }

    private static func row(_ setting: Setting) -> String {
        let names = setting.names + (setting.negativeName.map { [$0] } ?? [])
        let scope = setting.scope == .edge ? "" : " W"
        let fallback = setting.defaultText.map { "`\($0)`" } ?? setting.unsetMeaning ?? ""
        let cells = [
            code(names) + scope, setting.rule, fallback, setting.help, code(setting.environmentNames),
        ]
        return "| " + cells.map { String($0.flatMap { $0 == "|" ? Array("\\|") : [$0] }) }.joined(separator: " | ")
            + " |"
    }

    private static func code(_ words: [String]) -> String {
        words.map { "`\($0)`" }.joined(separator: ", ")
    }
}
