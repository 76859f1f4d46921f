import MartletGrammar
import MartletTestSupport

@testable import MartletChat

/// Random outputs that a grammar allows.
enum SampledText {
    /// If the format begins a message with a head, the prompt contains it already.
    static func opening(of format: ChatFormat) -> String {
        format.messageHead?.starts[0] ?? ""
    }

    /// Samples byte by byte, and sometimes one of the format's literals, so that texts end.
    ///
    /// - Parameter literalOdds: the number of bytes that are sampled per literal, where a literal is possible.
    static func sample(
        from grammar: Grammar, _ format: ChatFormat, literalOdds: Int = 1, _ random: inout SeededGenerator
    ) -> String? {
        let delimiters = (format.calls?.literals ?? []) + (format.reasoning?.ends ?? []) + ["</zip>"]
        let literals = delimiters.map { Array($0.utf8) }
        let closing = Array("\"'}])\n".utf8)
        var matcher = GrammarMatcher(grammar)
        var text: [UInt8] = []
        while text.count < 1_500 {
            let allowed = matcher.allowedBytes
            if matcher.isComplete, allowed.count == 0 || Int.random(in: 0..<3, using: &random) > 0 { break }
            if allowed.count > 20, literalOdds == 1 || Int.random(in: 0..<literalOdds, using: &random) == 0,
                let literal = literals.randomElement(using: &random), matcher.accept(literal)
            {
                text += literal
                continue
            }
            var bytes = allowed.bytes
            let words = bytes.filter { !" \t\r\n".utf8.contains($0) }
            if !words.isEmpty, Int.random(in: 0..<8, using: &random) > 0 { bytes = words }
            let ends = bytes.filter(closing.contains)
            if !ends.isEmpty, Bool.random(using: &random) { bytes = ends }
            guard let byte = bytes.randomElement(using: &random), matcher.accept([byte]) else { return nil }
            text.append(byte)
        }
        return matcher.isComplete ? String(validating: text, as: UTF8.self) : nil
    }
}
