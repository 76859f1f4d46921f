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
    /// The number of tokens so far.
    private var count = 0
    /// Whether reasoning has begun and has not ended.
    private(set) var isReasoning = false
    /// Whether reasoning has ended.
    private(set) var hasReasoned = false

    /// Tokens from this id on are forced: injected text, or a message that ends reasoning.
    static let firstForced: Int32 = 100_000

    /// The state before the first token.
    /// - Parameter variant: the number of the model. Models with other numbers write other texts.
    init(prompt: String, variant: UInt64) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in prompt.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        self.prompt = SimulationRandom.mix(hash &+ variant)
        state = self.prompt
        script = SimulatedForm(of: prompt) == .chat ? SimulatedScript(hash: self.prompt) : nil
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
        script?.delimiter(at: count) ?? Int32(SimulationRandom.mix(state &+ seed) % 50_000)
    }

    /// A token that a command forces next.
    var forced: Int32 { Self.firstForced + Int32(state % 1_000) }

    /// The number of tokens after which the model ends its output by itself.
    var length: Int { script?.length ?? 1 + Int(prompt % 48) }

    /// The text of a token: two to fourteen bytes, some of them beyond ASCII, or a delimiter.
    ///
    /// The end of some words may be the begin of a delimiter, so an output parser withholds it until the next word.
    static func text(of token: Int32) -> [UInt8] {
        if let delimiter = SimulatedScript.text(of: token) { return Array(delimiter.utf8) }
        let letters = String(token, radix: 36)
        if token % 3 == 0 { return Array("\(letters)<tool".utf8) }
        return Array((token % 11 == 0 ? "é\(letters) " : "\(letters) ").utf8)
    }

    /// Whether the text of a token is withheld until the next token, as the begin of a stop string would be.
    static func isWithheld(_ token: Int32) -> Bool { token % 5 == 0 }
}
