import MartletJSON

/// Any beginning of a call's arguments results in an object that parses to itself.
enum ArgumentsFuzz {
    static func run(_ input: [UInt8]) -> CInt {
        guard let text = String(validating: input, as: UTF8.self) else { return CorpusDecision.reject }
        guard let value = PartialArguments.object(beginning: text) else { return CorpusDecision.accept }
        precondition(value.objectValue != nil, "the arguments are no object")
        var written: [UInt8] = []
        value.write(to: &written)
        let again = PartialArguments.object(beginning: String(decoding: written, as: UTF8.self))
        precondition(again == value, "complete arguments parse to another value")
        return CorpusDecision.accept
    }
}
