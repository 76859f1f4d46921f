extension FlagReference {
    /// The flag of a setting, with all its spellings.
    init(_ setting: Setting) {
        let shortNames = setting.otherNames.filter { !$0.hasPrefix("--") }
        let longNames = setting.names.filter { $0.hasPrefix("--") }
        self.init(
            names: shortNames + longNames + setting.negativeNames, values: setting.valueReferences,
            isRepeatable: setting.kind.addsUp, help: setting.help,
            fallback: setting.defaultText ?? setting.unsetMeaning, environmentNames: setting.environmentNames,
            section: setting.section.rawValue)
    }
}

extension Setting {
    /// The values that follow the flag on a command line; none for a toggle.
    fileprivate var valueReferences: [ValueReference] {
        switch kind {
        case .toggle: []
        // The placeholder of two numbers is two words, e.g. FIRST LAST.
        case .bounds: placeholder.split(separator: " ").map { ValueReference(placeholder: String($0)) }
        default: [ValueReference(placeholder: placeholder, completion: completion)]
        }
    }

    /// The set from which a shell can complete the flag's value.
    private var completion: ValueReference.Completion {
        switch kind {
        case .choice(let words): .words(words)
        case .onOffAuto: .words(["on", "off", "auto"])
        case .integerOrWord(_, let words): .words(words.keys.filter { !$0.hasPrefix("-") }.sorted())
        default:
            switch key {
            case .stateDirectory, .promptFolder: .folders
            default: placeholder.hasPrefix("PATH") ? .files : .unknown
            }
        }
    }
}
