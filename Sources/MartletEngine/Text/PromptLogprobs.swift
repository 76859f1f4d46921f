import Llama
import MartletProtocol

/// What is told of a prompt's own tokens where that is asked for: how likely the model found each behind those before
/// it.
///
/// They are told in their order, each once, and only as many at once as are whole characters together.
struct PromptLogprobs: Sendable {
    /// Characters that begin in all of them.
    let characterCount: Int
    /// What each stands for.
    private let texts: [ArraySlice<UInt8>]
    /// Where the first of them stands in the prompt: those that the engine put before it are not told.
    private let start: Int
    /// How many were added.
    private var count = 0
    /// Characters that begin in these.
    private var textOffset = 0
    private var held: [TokenProbabilities] = []
    /// What the text of these lacks to its last character.
    private var boundary = CharacterBoundary()

    /// - Parameters:
    ///   - tokens: the whole prompt.
    ///   - start: how many of them the client did not send.
    ///   - isText: whether the others begin with what was text.
    init(of tokens: [Int32], from start: Int, isText: Bool, vocabulary: Vocabulary) {
        self.start = start
        var texts = tokens.dropFirst(start).map(vocabulary.piece)
        if isText, let first = tokens.dropFirst(start).first { texts[0] = vocabulary.pieceAtBeginning(first)[...] }
        self.texts = texts
        characterCount = texts.reduce(0) { $0 + Self.characters(in: $1) }
    }

    /// Where the next token stands in the prompt; `nil` = none is left.
    var next: Int? { count < texts.count ? start + count : nil }

    /// Adds the next token, of which nothing can be said: nothing comes before it.
    mutating func addFirst(_ token: Int32) {
        var report = TokenProbabilities(textOffset: textOffset)
        report.append(id: token, value: .infinity, bytes: texts[count])
        add(report)
    }

    /// Adds the next token.
    /// - Parameter tokenReport: as the model has them behind the token before it.
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

    /// Takes out what may be told, and the number of its first token.
    mutating func drainReportable() -> (first: Int, tokens: [TokenProbabilities])? {
        guard !held.isEmpty, next == nil || boundary.isAtBoundary else { return nil }
        defer { held = [] }
        return (count - held.count, held)
    }

    private static func characters(in bytes: ArraySlice<UInt8>) -> Int { bytes.count { $0 & 0xC0 != 0x80 } }
}
