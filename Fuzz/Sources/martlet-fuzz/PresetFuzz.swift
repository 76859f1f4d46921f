import MartletModels

/// A preset file is refused with its line, or its sections have valid and different names.
enum PresetFuzz {
    static func run(_ input: [UInt8]) -> CInt {
        let text = String(decoding: input, as: UTF8.self)
        guard let file = try? PresetFile(text, path: "p", knownKeys: ["ctx-size", "model"], canonicalKey: { $0 }) else {
            return CorpusDecision.accept
        }
        for section in file.sections {
            precondition(ModelName.violation(of: section.name) == nil, "a name that breaks the rule")
            let names = section.settings.map { Array($0.name.utf8) }
            precondition(Set(names).count == names.count, "a key twice")
        }
        if let reference = HubReference(text) {
            precondition(HubReference(reference.description) == reference, "a reference with two meanings")
            precondition(!reference.repository.contains(".."), "a path to another folder")
        }
        return CorpusDecision.accept
    }
}
