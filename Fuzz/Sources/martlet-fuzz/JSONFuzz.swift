import MartletJSON

/// An accepted document is written and parsed to the same value, and written again to the same bytes.
enum JSONFuzz {
    static func run(_ input: [UInt8]) -> CInt {
        guard let value = try? JSONParser.parse(input) else { return CorpusDecision.accept }
        var written: [UInt8] = []
        value.write(to: &written)
        do {
            let again = try JSONParser.parse(written)
            precondition(again == value, "the value changed on its way through text")
            var rewritten: [UInt8] = []
            again.write(to: &rewritten)
            precondition(rewritten == written, "the text is not stable")
        } catch {
            preconditionFailure("what was written is refused: \(error)")
        }
        return CorpusDecision.accept
    }
}
