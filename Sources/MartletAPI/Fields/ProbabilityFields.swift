import MartletJSON
import MartletProtocol

/// Reads the number of probabilities per token: OpenAI's `logprobs` and `top_logprobs`, llama-server's `n_probs`.
enum ProbabilityFields {
    /// The most alternatives per token. The limit bounds the memory of a response.
    static let countLimit = 1_024
    /// The number of alternatives for `logprobs: true`, as at llama-server.
    private static let defaultCount = 20

    /// - Parameter zeroRequestsSampledToken: whether `logprobs: 0` asks for the logprob of each sampled token. At
    ///   llama-server it asks for nothing.
    /// - Returns: nil if the request asks for no probabilities.
    static func read(
        _ fields: FieldReader, zeroRequestsSampledToken: Bool = false
    ) throws(APIError) -> ProbabilityRequest? {
        let isAfterSampling = try fields.bool("post_sampling_probs") ?? false
        let limits = 0...countLimit
        let top = try fields.integer("top_logprobs", in: limits)
        let requestsLogprobs = fields.value("logprobs")?.boolValue
        if let top, top > 0, requestsLogprobs != true {
            throw .field("top_logprobs", "Value must be absent or 0 unless \"logprobs\" is true, but got \(top)")
        }
        let count: Int?
        if let given = try fields.integer("n_probs", in: limits), given > 0 {
            count = given
        } else if let requestsLogprobs {
            count = requestsLogprobs ? top ?? defaultCount : nil
        } else {
            count = try fields.integer("logprobs", in: limits).flatMap { $0 > 0 || zeroRequestsSampledToken ? $0 : nil }
        }
        return count.map { ProbabilityRequest(count: $0, stage: isAfterSampling ? .afterSampling : .beforeSampling) }
    }
}
