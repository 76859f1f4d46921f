/// The activity and progress of one thread of an engine, for a watchdog.
package struct ThreadActivity: Sendable, Equatable {
    /// The kind of activity. The raw values are part of frames.
    package enum Kind: UInt8, Sendable, CaseIterable {
        /// The thread waits for requests. Only then may it make no progress.
        case idle = 0
        /// The weights are read.
        case loading = 1
        /// The context and the KV cache are made, and a first decode runs.
        case warmUp = 2
        case scheduling = 3
        /// A batch is computed.
        case decoding = 4
        /// Tokens are sampled.
        case sampling = 5
        /// A batch for embeddings is computed.
        case embedding = 6
        case tokenizing = 7
    }
    package var kind: Kind
    /// The number of tokens of the batch, or of sequences that are sampled; 0 for other kinds.
    package var count: Int
    /// Increases with all work of the thread, also within a decode.
    package var steps: UInt64

    package init(_ kind: Kind, count: Int = 0, steps: UInt64 = 0) {
        self.kind = kind
        self.count = count
        self.steps = steps
    }
}

extension ThreadActivity: CustomStringConvertible {
    /// A phrase that follows "the last step that it reported was".
    package var description: String {
        let phrase =
            switch kind {
            case .idle: "waiting for requests"
            case .loading: "reading the weights"
            case .warmUp: "making its context"
            case .scheduling: "planning a batch"
            case .decoding: "computing a batch of \(count) tokens"
            case .sampling: "choosing tokens for \(count) sequences"
            case .embedding: "computing a batch for embeddings"
            case .tokenizing: "tokenizing prompts"
            }
        return "\(phrase) (step \(steps))"
    }
}
