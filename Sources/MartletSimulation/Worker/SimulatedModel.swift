import MartletProtocol

/// A model without weights: each token is a function of the prompt, the seed and all tokens before it.
///
/// So a continued output equals the undisturbed one, an output with another seed does not, and a doubled or missing
/// token changes everything behind it.
struct SimulatedModel: Sendable {
    /// A function of the prompt and the tokens so far.
    private var state: UInt64
    private let prompt: UInt64

    /// Tokens from this id on are forced: injected text, or a message that ends reasoning.
    static let firstForced: Int32 = 100_000

    /// The state before the first token.
    init(prompt: String) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in prompt.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        self.prompt = SimulationRandom.mix(hash)
        state = self.prompt
    }

    /// Adds a token to the output so far.
    mutating func append(_ token: Int32) {
        state = SimulationRandom.mix(state ^ UInt64(UInt32(bitPattern: token)))
    }

    /// The next sampled token.
    func next(seed: UInt64) -> Int32 { Int32(SimulationRandom.mix(state &+ seed) % 50_000) }

    /// A token that a command forces next.
    var forced: Int32 { Self.firstForced + Int32(state % 1_000) }

    /// The number of tokens after which the model ends its output by itself.
    var length: Int { 1 + Int(prompt % 48) }

    /// The text of a token: two to nine bytes, some of them beyond ASCII.
    static func text(of token: Int32) -> [UInt8] {
        let letters = String(token, radix: 36)
        return Array((token % 11 == 0 ? "é\(letters) " : "\(letters) ").utf8)
    }

    /// Whether the text of a token is withheld until the next token, as the begin of a stop string would be.
    static func isWithheld(_ token: Int32) -> Bool { token % 5 == 0 }
}
