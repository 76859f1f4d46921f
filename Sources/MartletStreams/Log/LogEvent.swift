package import MartletProtocol

/// What is known of tokens beside their text.
package struct TokenDetails: Sendable, Equatable {
    /// Of the tokens whose text became certain with the event.
    package var probabilities: [TokenProbabilities]
    /// Where the generation stood when the token was drawn.
    package var tokenTimings: TokenTimings?

    package init(probabilities: [TokenProbabilities] = [], tokenTimings: TokenTimings? = nil) {
        self.probabilities = probabilities
        self.tokenTimings = tokenTimings
    }

    package var isEmpty: Bool { probabilities.isEmpty && tokenTimings == nil }
}

/// One entry of a generation's log, as a view sees it.
///
/// The log stores what happened, compactly; every client format is a function of the log's head and these events.
/// Of one log there is at most one `admitted` and one `started`, and the last event is one `finished` or `failed`.
/// Events are numbered from 0; pings have no number.
package enum LogEvent: Sendable, Equatable {
    case admitted(promptTokens: Int)
    case started(cachedTokens: Int)
    case promptProgress(PromptProgress)
    /// How likely the prompt's next tokens were, which are whole characters together.
    case promptTokens([TokenProbabilities])
    /// Text that a reader may show. `token` is the id of the token that completed it, `nil` for a further piece of a
    /// token that fell apart into several channels. Empty text is kept: the token counts.
    case text(OutputChannel, token: Int32?, bytes: ArraySlice<UInt8>)
    /// The same, with more that is known of it, where that was asked for.
    case detailedText(OutputChannel, token: Int32?, bytes: ArraySlice<UInt8>, TokenDetails)
    /// A tool call begins. Calls are counted from 0.
    case call(Int, name: String)
    /// More of the text of a call's arguments; `token` as for `text`.
    case arguments(call: Int, token: Int32?, bytes: ArraySlice<UInt8>)
    /// What a client should know of an answer that is not as it should be: one sentence.
    case warning(String)
    /// An order took effect.
    case controlled(LoggedCommand)
    /// A sign of life. Part of the log, so that a stream has the same bytes whenever it is read.
    case ping
    /// The server ended under the generation, which goes on when the server is there again.
    case handedOver
    /// What happened to a choice that is not the first of several: any event but a ping, an end of all, or this.
    indirect case choice(Int, LogEvent)
    /// One of several choices is complete; the others go on.
    case ended(GenerationSummary)
    /// Everything is complete. Of several choices it tells the sum of what they cost.
    case finished(GenerationSummary)
    case failed(EngineError)

    /// Whether no event follows.
    package var isTerminal: Bool {
        switch self {
        case .finished, .failed: true
        default: false
        }
    }

    /// Whether every view shows it, so that a stream's silence ends with it.
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
