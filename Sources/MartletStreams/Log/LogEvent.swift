package import MartletProtocol

/// Details of tokens apart from their text, where the request asks for them.
package struct TokenDetails: Sendable, Equatable {
    /// The log probabilities of the tokens whose text became certain with the event.
    package var probabilities: [TokenProbabilities]
    /// The timings of the generation when the token was sampled.
    package var tokenTimings: TokenTimings?

    package init(probabilities: [TokenProbabilities] = [], tokenTimings: TokenTimings? = nil) {
        self.probabilities = probabilities
        self.tokenTimings = tokenTimings
    }

    /// Whether there are no details.
    package var isEmpty: Bool { probabilities.isEmpty && tokenTimings == nil }
}

/// One entry of a generation's log, as a view sees it.
///
/// The log stores its events compactly. Every client format is a function of the log's head and these events.
/// A log has at most one `admitted` and one `started`, and its last event is one `finished` or `failed`.
/// Events are numbered from 0; pings have no number.
///
/// Large payloads are stored separately (`indirect`): an event is copied several times on its way into the log, and
/// nearly all events are text.
package enum LogEvent: Sendable, Equatable {
    /// The engine has tokenized and accepted the prompt.
    case admitted(promptTokens: Int)
    /// The engine has assigned a sequence. `cachedTokens`: prompt tokens that the KV cache held already.
    case started(cachedTokens: Int)
    /// Progress of the prefill.
    indirect case promptProgress(PromptProgress)
    /// The log probabilities of the next prompt tokens. The tokens of one event are whole characters together.
    case promptTokens([TokenProbabilities])
    /// Text of one channel. `token` is the id of the token that completed the text, `nil` for a further piece of a
    /// token that was split into several channels. An event with empty text exists, because its token counts.
    case text(OutputChannel, token: Int32?, bytes: ArraySlice<UInt8>)
    /// Text with details, where the request asks for details.
    indirect case detailedText(OutputChannel, token: Int32?, bytes: ArraySlice<UInt8>, TokenDetails)
    /// The beginning of a tool call, with its index from 0.
    case call(Int, name: String)
    /// More text of a call's arguments; `token` as for `text`.
    case arguments(call: Int, token: Int32?, bytes: ArraySlice<UInt8>)
    /// A warning about the completion for the client: one sentence.
    case warning(String)
    /// A control command took effect.
    indirect case controlled(LoggedCommand)
    /// A sign of life. It is in the log, so that a stream has the same bytes at every reading.
    case ping
    /// The server shut down while the generation ran. The next server continues it.
    case handedOver
    /// An event of a choice that is not the first: any event but a ping, the generation's terminal event, or this case.
    indirect case choice(Int, LogEvent)
    /// One of several choices is complete, and the others continue.
    indirect case ended(GenerationSummary)
    /// The generation is complete. With several choices the summary contains their sums.
    indirect case finished(GenerationSummary)
    /// The generation failed.
    indirect case failed(EngineError)

    /// Whether no event follows.
    package var isTerminal: Bool {
        switch self {
        case .finished, .failed: true
        default: false
        }
    }

    /// Whether every view shows the event, so that it ends the silence of a stream.
    var breaksSilence: Bool {
        switch self {
        case .text(let channel, _, let bytes): channel != .delimiter && !bytes.isEmpty
        case .arguments(_, _, let bytes): !bytes.isEmpty
        case .admitted, .started: false
        case .call, .warning, .promptProgress, .promptTokens, .detailedText, .controlled, .ping, .handedOver, .ended,
            .finished, .failed:
            true
        case .choice(_, let event): event.breaksSilence
        }
    }
}
