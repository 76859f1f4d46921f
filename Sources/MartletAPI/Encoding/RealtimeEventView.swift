package import MartletGenerations
import MartletJSON
package import MartletProtocol
package import MartletStreams

/// A generation as WebSocket messages: one per event of its log, whatever dialect began it.
///
/// The messages do not depend on the reader, so all readers of a log share one encoded stream. Every dialect's view
/// offers it, so it is no part of the folder `Realtime`.
package struct RealtimeEventView: StreamView {
    /// The spelling of `kind`.
    package enum Kind: String, Sendable, CaseIterable {
        /// The prompt's length is known.
        case admitted
        /// The engine computes the prompt.
        case started
        /// A part of the prompt is computed.
        case progress
        /// Tokens of the prompt with their logprobs.
        case prompt
        /// Output of one channel.
        case text
        /// A tool call begins.
        case call
        /// A piece of a tool call's arguments.
        case arguments
        case warning
        /// A control command took effect.
        case control
        /// One of several choices ended.
        case ended
        case finished
        case failed
        /// The generation continues in the next process. No event of this log follows.
        case handover
    }

    /// Only its id and the format of call ids are used.
    private let head: ResponseHead
    private let probabilities: ProbabilityWriter
    private let showsCachedText: Bool
    /// The beginning of every message, up to the event's number.
    private let prefix: [UInt8]

    /// - Parameters:
    ///   - probabilityStage: the stage that the request asks for.
    ///   - showsCachedText: whether a cache report contains text of the cached prompt.
    package init(
        head: ResponseHead, probabilityStage: ProbabilityRequest.Stage, showsCachedText: Bool = false
    ) {
        self.head = head
        self.showsCachedText = showsCachedText
        probabilities = ProbabilityWriter(stage: probabilityStage)
        var prefix = Array(#"{"type":"event","id":"#.utf8)
        JSONText.appendString(head.id, to: &prefix)
        JSONText.appendRaw(",\"event\":", to: &prefix)
        self.prefix = prefix
    }

    package func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        // The WebSocket sends pings of its own protocol.
        if case .ping = event { return }
        SocketFrame.append(.text, to: &bytes) { bytes in
            bytes += prefix
            JSONText.appendInteger(number, to: &bytes)
            if case .choice(let choice, let event) = event {
                JSONText.appendRaw(",\"choice\":", to: &bytes)
                JSONText.appendInteger(choice, to: &bytes)
                write(event, choice: choice, number: number, to: &bytes)
            } else {
                write(event, choice: 0, number: number, to: &bytes)
            }
            JSONText.appendRaw("}", to: &bytes)
        }
    }

    /// Appends the members of one event.
    /// - Parameter choice: the number of the choice; part of the ids of tool calls.
    private func write(_ event: LogEvent, choice: Int, number: Int, to bytes: inout [UInt8]) {
        switch event {
        case .admitted(let tokens):
            begin(.admitted, to: &bytes)
            write("prompt_tokens", tokens, to: &bytes)
        case .started(let tokens):
            begin(.started, to: &bytes)
            write("cached_tokens", tokens, to: &bytes)
        case .promptProgress(let progress):
            begin(.progress, to: &bytes)
            JSONText.appendRaw(",", to: &bytes)
            Accounting.writeProgress(progress, to: &bytes)
        case .promptTokens(let tokens):
            begin(.prompt, to: &bytes)
            JSONText.appendRaw(",\"text\":", to: &bytes)
            JSONText.appendString(tokens.text, to: &bytes)
            writeProbabilities(tokens, to: &bytes)
        case .text(let channel, let token, let text): write(channel, token, text, to: &bytes)
        case .detailedText(let channel, let token, let text, let tokenDetails):
            write(channel, token, text, to: &bytes)
            if !tokenDetails.probabilities.isEmpty { writeProbabilities(tokenDetails.probabilities, to: &bytes) }
            if let tokenTimings = tokenDetails.tokenTimings {
                JSONText.appendRaw(",", to: &bytes)
                Accounting.writeTimings(tokenTimings.timings, to: &bytes)
            }
        case .call(let call, let name):
            begin(.call, to: &bytes)
            write("call", call, to: &bytes)
            write("call_id", head.callID(choice << 8 + call), to: &bytes)
            write("name", name, to: &bytes)
        case .arguments(let call, let token, let text):
            begin(.arguments, to: &bytes)
            write("call", call, to: &bytes)
            write(token, text, to: &bytes)
        case .warning(let text):
            begin(.warning, to: &bytes)
            write("message", text, to: &bytes)
        case .controlled(let record):
            begin(.control, to: &bytes)
            JSONText.appendRaw(",\"control\":", to: &bytes)
            ControlBodies.applied(record, event: number).write(to: &bytes)
        case .ended(let completion): write(.ended, completion, to: &bytes)
        case .finished(let completion): write(.finished, completion, to: &bytes)
        case .failed(let error):
            begin(.failed, to: &bytes)
            JSONText.appendRaw(",\"error\":", to: &bytes)
            APIError(error).object.write(to: &bytes)
        case .handedOver: begin(.handover, to: &bytes)
        // A choice is never nested in another choice, and a ping has no message.
        case .choice, .ping: break
        }
    }

    /// Appends `,"logprobs":[…]`.
    private func writeProbabilities(_ tokens: [TokenProbabilities], to bytes: inout [UInt8]) {
        JSONText.appendRaw(",\"logprobs\":", to: &bytes)
        probabilities.writeEntries(tokens, to: &bytes)
    }

    /// Appends `,"kind":"…"`.
    private func begin(_ kind: Kind, to bytes: inout [UInt8]) {
        JSONText.appendRaw(",\"kind\":", to: &bytes)
        JSONText.appendString(kind.rawValue, to: &bytes)
    }

    /// Appends the members of a text event. The wire calls the channel of delimiters "markup".
    private func write(_ channel: OutputChannel, _ token: Int32?, _ text: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        begin(.text, to: &bytes)
        JSONText.appendRaw(",\"channel\":", to: &bytes)
        switch channel {
        case .content: JSONText.appendString("content", to: &bytes)
        case .reasoning: JSONText.appendString("reasoning", to: &bytes)
        case .delimiter: JSONText.appendString("markup", to: &bytes)
        }
        write(token, text, to: &bytes)
    }

    /// Appends the token's id, if known, and the text.
    private func write(_ token: Int32?, _ text: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        if let token { write("token", Int(token), to: &bytes) }
        JSONText.appendRaw(",\"text\":", to: &bytes)
        JSONText.appendString(text, to: &bytes)
    }

    /// Appends the members of an end: reason, usage and timings. A cancelled generation has its own reason here.
    private func write(_ kind: Kind, _ completion: GenerationSummary, to bytes: inout [UInt8]) {
        begin(kind, to: &bytes)
        JSONText.appendRaw(",\"finish_reason\":\"", to: &bytes)
        JSONText.appendRaw(completion.reason == .cancelled ? "cancelled" : completion.finishReason, to: &bytes)
        JSONText.appendRaw("\",", to: &bytes)
        Accounting.writeUsage(completion.timings, to: &bytes)
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeTimings(of: completion, showsCachedText: showsCachedText, to: &bytes)
    }

    private func write(_ name: StaticString, _ value: Int, to bytes: inout [UInt8]) {
        JSONText.appendRaw(",\"", to: &bytes)
        JSONText.appendRaw(name, to: &bytes)
        JSONText.appendRaw("\":", to: &bytes)
        JSONText.appendInteger(value, to: &bytes)
    }

    private func write(_ name: StaticString, _ value: String, to bytes: inout [UInt8]) {
        JSONText.appendRaw(",\"", to: &bytes)
        JSONText.appendRaw(name, to: &bytes)
        JSONText.appendRaw("\":", to: &bytes)
        JSONText.appendString(value, to: &bytes)
    }
}
