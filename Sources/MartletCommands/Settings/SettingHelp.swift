import OrderedCollections

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
        names += setting.negativeNames.map { ", " + $0 }.joined()
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
            "dashes. Flags with lists, and those that say so, may be repeated: their values add up. In a list, double",
            "quotes keep a comma. Names are llama-server's where it has the flag. `martlet flags --json` prints the same for programs.",
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

    private static func peerFlags() -> [String] {
        var lines = [
            "", "## Flags of llama-server that change nothing", "",
            "They are taken, and so are their variables (`LLAMA_ARG_` and the name). Where a reason is given the log says it.",
            "",
        ]
        for flag in PeerFlags.all {
            for (names, support) in [(flag.names, flag.support), (flag.negatives, flag.negativeSupport)] {
                switch support {
                case .always where !names.isEmpty: lines.append("- \(code(names)): it is always so")
                case .withoutEffect(let reason) where !names.isEmpty: lines.append("- \(code(names)): \(reason)")
                default: break
                }
            }
        }
        lines += [
            "", "## Flags of llama-server that martlet does not have yet", "",
            "They and their variables are refused by name, unless their value asks for nothing.", "",
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

    private static func row(_ setting: Setting) -> String {
        let names = setting.names + setting.negativeNames
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
