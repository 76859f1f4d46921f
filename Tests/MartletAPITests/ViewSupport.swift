import MartletAPI
import MartletGenerations
import MartletJSON
package import MartletProtocol
package import MartletStreams
import OrderedCollections

extension CompletionOptions {
    /// The options of a request with these fields.
    static func of(_ fields: JSONObject) throws -> CompletionOptions {
        try CompletionOptions(FieldReader(.object(fields)), defaults: CompletionDefaults(), randomSeed: 0)
    }
}

extension ChatCompletionView {
    init(head: ResponseHead, includesUsage: Bool) throws {
        self.init(head: head, options: try .of(["stream_options": ["include_usage": .bool(includesUsage)]]))
    }
}

extension TextCompletionView {
    init(head: ResponseHead, includesUsage: Bool, stage: ProbabilityRequest.Stage = .beforeSampling) throws {
        self.init(
            head: head,
            options: try .of([
                "stream_options": ["include_usage": .bool(includesUsage)], "n_probs": 1,
                "post_sampling_probs": .bool(stage == .afterSampling),
            ]))
    }
}

extension TokenDetails: ExpressibleByArrayLiteral {
    package init(arrayLiteral elements: TokenProbabilities...) { self.init(probabilities: elements) }
}
