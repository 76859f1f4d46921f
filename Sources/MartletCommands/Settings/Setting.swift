/// A setting of the server: its flag, environment variables, values, default and help text.
struct Setting: Sendable {
    /// The form and the range of values.
    enum Kind: Sendable {
        /// On or off: `--name` and `--no-name`.
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
        /// One of these words.
        case choice([String])
        /// On, off or automatic, in any spelling of llama-server, see `Switch`.
        case onOffAuto
        /// Texts with commas between them. The values of repeated flags are combined.
        case list
        /// One text with any characters. The values of repeated flags are combined.
        case texts
        /// A JSON object.
        case object
    }

    /// The processes that read the setting.
    enum Scope: Sendable {
        /// The edge.
        case edge
        /// The worker; the edge passes the value on.
        case worker
        /// Both; the edge passes the value on.
        case both
    }

    /// The heading in help texts and pages.
    enum Section: String, Sendable, CaseIterable {
        case model = "Model"
        case engine = "Engine"
        case requests = "Defaults of requests"
        case server = "Server"
        case streams = "Streams"
        case log = "Log"
    }

    /// The identity of the setting and its long flag.
    let key: FlagKey
    /// Further spellings, such as `-c`. Underscores and dashes are equal.
    let otherNames: [String]
    /// Further spellings that switch a toggle off, such as `-nr`.
    let otherNegativeNames: [String]
    /// Environment variables. The first that is set counts; Martlet's own name comes before llama-server's names.
    let environmentNames: [String]
    /// The form and the range of values.
    let kind: Kind
    /// The name of the value in help texts, such as `TOKENS`.
    let placeholder: String
    /// The default in the spelling of the command line; `nil` = not set.
    let defaultText: String?
    /// The behaviour if the setting is not set, for help texts.
    let unsetMeaning: String?
    /// The heading in help texts.
    let section: Section
    /// The processes that read the setting.
    let scope: Scope
    /// One or more sentences about the effect, with a full stop.
    let help: String

    /// The variable `MARTLET_` with the key's name is added to `environment`.
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

    /// All spellings that set the value, the long one first.
    var names: [String] { ["--" + key.rawValue] + otherNames }

    /// The spellings that switch a toggle off, the long one first; none for a toggle whose name begins with `no-`.
    var negativeNames: [String] {
        guard case .toggle = kind, !key.rawValue.hasPrefix("no-") else { return [] }
        return ["--no-" + key.rawValue] + otherNegativeNames
    }

    /// The number of values that follow the flag on a command line.
    var valueCount: Int {
        switch kind {
        case .toggle: 0
        case .bounds: 2
        default: 1
        }
    }

    /// Variables that switch a toggle off, whatever their value is.
    var negativeVariables: [String] {
        negativeNames.isEmpty ? [] : environmentNames.compactMap(SettingName.negativeVariable)
    }

    /// The rule for values, as the object of "must be" in error texts.
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

    /// A range in words: `from 1 to 5` or `of 1 or more`.
    private static func words(_ range: ClosedRange<Int64>) -> String {
        range.upperBound == .max ? "of \(range.lowerBound) or more" : "from \(range.lowerBound) to \(range.upperBound)"
    }

    /// A range in words. A range without finite bounds is any finite number.
    private static func words(_ range: ClosedRange<Double>) -> String {
        switch (range.lowerBound.isFinite, range.upperBound.isFinite) {
        case (true, true): "from \(range.lowerBound) to \(range.upperBound)"
        case (true, false): "of \(range.lowerBound) or more"
        default: "that is finite"
        }
    }
}

/// Spellings of flags and variables.
enum SettingName {
    /// The spelling with dashes: `--top_k` becomes `--top-k`.
    static func normalized(_ name: some StringProtocol) -> String {
        String(name.map { $0 == "_" ? "-" : $0 })
    }

    /// The spelling of variables: `top-k` becomes `TOP_K`.
    static func environmentSpelling(_ name: some StringProtocol) -> String {
        String(name.uppercased().map { $0 == "-" ? "_" : $0 })
    }

    /// llama-server's variable for a long flag: `--top-k` becomes `LLAMA_ARG_TOP_K`.
    static func peerVariable(_ flag: String) -> String {
        peerPrefix + environmentSpelling(flag.drop { $0 == "-" })
    }

    /// llama-server's variable that switches a toggle off: `LLAMA_ARG_MMAP` becomes `LLAMA_ARG_NO_MMAP`.
    static func negativeVariable(_ variable: String) -> String? {
        variable.hasPrefix(peerPrefix) ? peerPrefix + "NO_" + variable.dropFirst(peerPrefix.count) : nil
    }

    private static let peerPrefix = "LLAMA_ARG_"
}
