import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams

/// `best_of` of a text completion: more candidates are generated than are returned.
///
/// Example: `n: 1, best_of: 3` generates three choices of each prompt and returns the one whose tokens have the highest
/// mean logprob. The usage counts the tokens of all candidates.
struct BestOf: Sendable, Equatable {
    /// The choices of each prompt in the response: OpenAI's `n`.
    let returned: Int
    /// The choices of each prompt that are generated; more than `returned`.
    let candidates: Int
    /// Whether the request asks for logprobs. Otherwise only the selection uses them.
    let showsProbabilities: Bool

    /// The limit of candidates.
    private static let limit = 128

    /// Reads the field.
    /// - Returns: nil if the field is absent, or asks for as many candidates as choices.
    /// - Throws: `invalidRequest` that names the rule.
    init?(_ fields: FieldReader) throws(APIError) {
        guard let candidates = try fields.integer("best_of", in: 1...Self.limit) else { return nil }
        let alias = try fields.integer("n_cmpl", in: 1...Self.limit)
        let returned = try fields.integer("n", in: 1...Self.limit) ?? alias ?? 1
        guard candidates >= returned else {
            throw .field("best_of", "Value must be at least \"n\", which is \(returned), but got \(candidates)")
        }
        guard candidates > returned else { return nil }
        guard try fields.bool("stream") != true else {
            throw .field("best_of", "Value must equal \"n\" if \"stream\" is true, but got \(candidates)")
        }
        guard try fields.bool("post_sampling_probs") != true else {
            throw .field("best_of", "Value must equal \"n\" if \"post_sampling_probs\" is true, but got \(candidates)")
        }
        self.returned = returned
        self.candidates = candidates
        let count = try fields.integer("n_probs", in: 0...Int(Int32.max)) ?? 0
        showsProbabilities = count > 0 || fields.value("logprobs").map { $0 != false } ?? false
    }

    /// The best choices of each prompt, the best one first. Equal ones stay in their order.
    /// - Parameter outputs: all candidates of the first prompt, then those of the next one.
    /// - Complexity: O(tokens).
    func select(_ outputs: [ChoiceOutput]) -> [ChoiceOutput] {
        stride(from: 0, to: outputs.count, by: candidates).flatMap { start in
            let scored = outputs[start..<min(start + candidates, outputs.count)].enumerated().map {
                (number: $0.offset, output: $0.element, mean: Self.mean($0.element.probabilities))
            }
            let best = scored.sorted { ($0.mean, -$0.number) > ($1.mean, -$1.number) }
            return best.prefix(returned).map(\.output)
        }
    }

    /// The mean logprob of sampled tokens; the lowest number without tokens.
    static func mean(_ tokens: [TokenProbabilities]) -> Double {
        let values = tokens.lazy.filter { $0.count > 0 }.map { Double($0[0].value) }
        return values.isEmpty ? -.greatestFiniteMagnitude : values.reduce(0, +) / Double(values.count)
    }
}
