/// One thing that a user can choose with a flag or an environment variable.
struct Setting: Sendable {
    /// What a value looks like and which values there are.
    enum Kind: Sendable {
        /// `--name` and `--no-name`.
        case toggle
        case text
        /// A text that may be empty.
        case anyText
        case integer(ClosedRange<Int64>)
        /// A whole number, or a word that stands for one.
        case integerOrWord(ClosedRange<Int64>, words: [String: Int64])
        case number(ClosedRange<Double>)
        /// Two whole numbers, the first not above the second.
        case bounds(ClosedRange<Int64>)
        /// One of some words.
        case choice([String])
        /// On, off or automatic, in any of llama-server's words for these.
        case onOffAuto
        /// Texts with commas between them. Repeated flags add up.
        case list
        /// One text, whatever is in it. Repeated flags add up.
        case texts
        /// A JSON object.
        case object
    }

    /// Which commands take it.
    enum Scope: Sendable {
        /// The edge alone.
        case edge
        /// The worker, to which an edge passes it on.
        case worker
        /// Both, each for itself; passed on.
        case both
    }

    enum Section: String, Sendable, CaseIterable {
        case model = "Model"
        case engine = "Engine"
        case requests = "Requests that do not say otherwise"
        case server = "Server"
        case streams = "Streams"
        case log = "Log"
    }

    let key: FlagKey
    /// Further spellings, such as `-c`. Underscores and dashes mean the same everywhere.
    let otherNames: [String]
    /// Further spellings that switch a toggle off, such as `-nr`.
    let otherNegativeNames: [String]
    /// The first that is set counts. Those of llama-server come after our own.
    let environmentNames: [String]
    let kind: Kind
    /// What stands for the value in help texts, such as `TOKENS`.
    let placeholder: String
    /// As it would be typed; `nil` = not set.
    let defaultText: String?
    /// What not being set means.
    let unsetMeaning: String?
    let section: Section
    let scope: Scope
    /// One or two sentences, the first without its subject.
    let help: String

    init(
        _ key: FlagKey, _ otherNames: [String] = [], negatives otherNegativeNames: [String] = [],
        environment: [String], _ kind: Kind, _ placeholder: String = "",
        default defaultText: String? = nil, unset unsetMeaning: String? = nil, in section: Section, for scope: Scope,
        _ help: String
    ) {
        self.key = key
        self.otherNames = otherNames
        self.otherNegativeNames = otherNegativeNames
        environmentNames = ["MARTLET_" + SettingName.environmentSpelling(key.rawValue)] + environment
        self.kind = kind
        self.placeholder = placeholder
        self.defaultText = defaultText
        self.unsetMeaning = unsetMeaning
        self.section = section
        self.scope = scope
        self.help = help
    }

    /// All spellings that set it, the long one first.
    var names: [String] { ["--" + key.rawValue] + otherNames }

    /// The spellings that switch a toggle off, the long one first. A toggle such as --no-host has none.
    var negativeNames: [String] {
        guard case .toggle = kind, !key.rawValue.hasPrefix("no-") else { return [] }
        return ["--no-" + key.rawValue] + otherNegativeNames
    }

    /// How many values follow its flag on a command line.
    var valueCount: Int {
        switch kind {
        case .toggle: 0
        case .bounds: 2
        default: 1
        }
    }

    /// Variables that switch it off where they are set to anything.
    var negativeVariables: [String] {
        negativeNames.isEmpty ? [] : environmentNames.compactMap(SettingName.negativeVariable)
    }

    /// The rule for values, in words.
    var rule: String {
        switch kind {
        case .toggle: "on or off"
        case .text: "a text"
        case .anyText: "a text, which may be empty"
        case .integer(let range): "a whole number \(Self.words(range))"
        case .integerOrWord(let range, let words):
            "a whole number \(Self.words(range)), " + words.keys.sorted().map { "'\($0)'" }.joined(separator: " or ")
        case .number(let range): "a number \(Self.words(range))"
        case .bounds(let range): "two whole numbers \(Self.words(range)), the smaller one first"
        case .choice(let words): "one of " + words.joined(separator: ", ")
        case .onOffAuto: "one of on, off, auto"
        case .list: "texts with commas between them"
        case .texts: "a text"
        case .object: "a JSON object"
        }
    }

    private static func words(_ range: ClosedRange<Int64>) -> String {
        range.upperBound == .max ? "of \(range.lowerBound) or more" : "from \(range.lowerBound) to \(range.upperBound)"
    }

    private static func words(_ range: ClosedRange<Double>) -> String {
        switch (range.lowerBound.isFinite, range.upperBound.isFinite) {
        case (true, true): "from \(range.lowerBound) to \(range.upperBound)"
        case (true, false): "of \(range.lowerBound) or more"
        default: "that is finite"
        }
    }
}

/// Spellings of names.
enum SettingName {
    /// `--top_k` and `--top-k` are one flag.
    static func normalized(_ name: some StringProtocol) -> String {
        String(name.map { $0 == "_" ? "-" : $0 })
    }

    static func environmentSpelling(_ name: some StringProtocol) -> String {
        String(name.uppercased().map { $0 == "-" ? "_" : $0 })
    }

    /// llama-server's variable for a long flag.
    static func peerVariable(_ flag: String) -> String {
        peerPrefix + environmentSpelling(flag.drop { $0 == "-" })
    }

    /// The variable that switches off what `variable` switches on, at llama-server.
    static func negativeVariable(_ variable: String) -> String? {
        variable.hasPrefix(peerPrefix) ? peerPrefix + "NO_" + variable.dropFirst(peerPrefix.count) : nil
    }

    private static let peerPrefix = "LLAMA_ARG_"
}
