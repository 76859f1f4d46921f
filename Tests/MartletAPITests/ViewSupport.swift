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

extension FoldingView {
    /// The parts of the stream of a log, without their empty lines.
    func parts(of events: [LogEvent]) throws -> [String] {
        let log = GenerationLog(head: LogHead(created: 0, model: "m"))
        for event in events { log.append(event) }
        var state = ViewState()
        var bytes: [UInt8] = []
        var number = 0
        for event in events {
            encode(event, number: number, state: &state, history: LogHistory(of: log), into: &bytes)
            if event != .ping { number += 1 }
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n\n").map { String($0) }
    }
}
