import MartletProtocol

/// A model without weights: each token is a function of the prompt, the seed and all tokens before it.
///
/// So a continued output equals the undisturbed one, an output with another seed does not, and a doubled or missing
/// token changes everything behind it.
struct SimulatedModel: Sendable {
    /// A function of the prompt and the tokens so far.
    private var state: UInt64
    private let prompt: UInt64
    /// The course of the output; nil for plain text.
    private let script: SimulatedScript?
    /// Whether each word ends with the begin of a delimiter.
    private let endsInDelimiters: Bool
    /// The number of tokens so far.
    private var count = 0
    /// Whether reasoning has begun and has not ended.
    private(set) var isReasoning = false
    /// Whether reasoning has ended.
    private(set) var hasReasoned = false

    /// Tokens from this id on are forced: injected text, or a message that ends reasoning.
    static let firstForced: Int32 = 100_000

    /// The texts of the 10,000 tokens from this id on end with the begin of a delimiter.
    private static let firstHead: Int32 = 50_000

    /// The state before the first token.
    /// - Parameter variant: the number of the model. Models with other numbers write other texts.
    init(prompt: String, variant: UInt64) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in prompt.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        self.prompt = SimulationRandom.mix(hash &+ variant)
        state = self.prompt
        let form = SimulatedForm(of: prompt)
        script = form == .chat ? SimulatedScript(hash: self.prompt) : nil
        endsInDelimiters = form == .heads
    }

    /// Adds a token to the output so far.
    mutating func append(_ token: Int32) {
        state = SimulationRandom.mix(state ^ UInt64(UInt32(bitPattern: token)))
        count += 1
        if token == SimulatedScript.thinkStart { isReasoning = true }
        if token == SimulatedScript.thinkEnd, isReasoning { (isReasoning, hasReasoned) = (false, true) }
    }

    /// The next sampled token.
    func next(seed: UInt64) -> Int32 {
        if let delimiter = script?.delimiter(at: count) { return delimiter }
        let hash = SimulationRandom.mix(state &+ seed)
        return endsInDelimiters ? Self.firstHead + Int32(hash % 10_000) : Int32(hash % 50_000)
    }

    /// A token that a command forces next.
    var forced: Int32 { Self.firstForced + Int32(state % 1_000) }

    /// The number of tokens after which the model ends its output by itself.
    var length: Int { script?.length ?? (endsInDelimiters ? 12 : 1) + Int(prompt % 48) }

    /// The text of a token: two to fourteen bytes, some of them beyond ASCII, or a delimiter.
    ///
    /// The end of some words may be the begin of a delimiter, so an output parser withholds it until the next word: the
    /// head of a tool call that does not follow. The heads of neighbouring words have different lengths.
    static func text(of token: Int32) -> [UInt8] {
        if let delimiter = SimulatedScript.text(of: token) { return Array(delimiter.utf8) }
        let letters = String(token, radix: 36)
        if (firstHead..<firstHead + 10_000).contains(token) {
            return Array("\(letters)\("<tool_call".prefix(2 + Int(token / 5 % 9)))".utf8)
        }
        if token % 3 == 0 { return Array("\(letters)<tool".utf8) }
        return Array((token % 11 == 0 ? "é\(letters) " : "\(letters) ").utf8)
    }

    /// The number of last bytes of a token's text that a worker withholds until the next token: as the begin of a stop
    /// string that does not follow, or as the first bytes of a character. The text before them is whole characters.
    private static func withheldCount(of token: Int32, _ text: [UInt8]) -> Int {
        switch token % 10 {
        case 0, 5: return text.count
        case 1 where SimulatedScript.text(of: token) == nil:
            let visible = 1 + Int(token / 10) % text.count
            return text.count - (visible == 1 && text[0] >= 0x80 ? 0 : visible)
        default: return 0
        }
    }

    /// The text of a token in two parts: the part that a worker emits with the token, and the part that it withholds.
    static func parts(of token: Int32) -> (emitted: ArraySlice<UInt8>, withheld: ArraySlice<UInt8>) {
        let text = text(of: token)
        let end = text.count - withheldCount(of: token, text)
        return (text[..<end], text[end...])
    }
}
