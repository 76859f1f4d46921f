import Llama
import MartletProtocol

/// The logprobs of the tokens of a prompt, in the order of the prompt.
///
/// Each is reported once. Tokens whose texts are parts of one character are reported together.
struct PromptLogprobs: Sendable {
    /// The number of characters that begin in all of them.
    let characterCount: Int
    /// The bytes of each token.
    private let texts: [ArraySlice<UInt8>]
    /// The position of the first reported token in the prompt: tokens that the engine put before it are not reported.
    private let start: Int
    /// The number of tokens that were added.
    private var count = 0
    /// The number of characters that begin in the tokens that were added.
    private var textOffset = 0
    private var held: [TokenProbabilities] = []
    /// The state of the last character of the tokens that were added.
    private var boundary = CharacterBoundary()

    /// Prepares the report of a prompt.
    ///
    /// - Parameters:
    ///   - tokens: the whole prompt.
    ///   - start: the number of leading tokens that the client did not send.
    ///   - isText: whether the client sent text, not tokens, behind them.
    init(of tokens: [Int32], from start: Int, isText: Bool, vocabulary: Vocabulary) {
        self.start = start
        var texts = tokens.dropFirst(start).map(vocabulary.piece)
        if isText, let first = tokens.dropFirst(start).first { texts[0] = vocabulary.pieceAtBeginning(first)[...] }
        self.texts = texts
        characterCount = texts.reduce(0) { $0 + Self.characters(in: $1) }
    }

    /// The position of the next token in the prompt; `nil` if none is left.
    var next: Int? { count < texts.count ? start + count : nil }

    /// Adds the first token of the prompt. It has no probability, because no token precedes it.
    mutating func addFirst(_ token: Int32) {
        var report = TokenProbabilities(textOffset: textOffset)
        report.append(id: token, value: .infinity, bytes: texts[count])
        add(report)
    }

    /// Adds the next token.
    ///
    /// - Parameter tokenReport: the report of the logits behind the token before it.
    mutating func add(_ token: Int32, _ tokenReport: TokenReport, vocabulary: Vocabulary) {
        let text = texts[count]
        add(tokenReport.report(token, textOffset: textOffset) { $0 == token ? text : vocabulary.piece($0) })
    }

    private mutating func add(_ report: TokenProbabilities) {
        held.append(report)
        var whole: [UInt8] = []
        boundary.consume(texts[count], into: &whole)
        textOffset += Self.characters(in: texts[count])
        count += 1
    }

    /// Removes and returns the logprobs that can be reported now, and the number of their first token.
    mutating func drainReportable() -> (first: Int, tokens: [TokenProbabilities])? {
        guard !held.isEmpty, next == nil || boundary.isAtBoundary else { return nil }
        defer { held = [] }
        return (count - held.count, held)
    }

    private static func characters(in bytes: ArraySlice<UInt8>) -> Int { bytes.count { $0 & 0xC0 != 0x80 } }
}
