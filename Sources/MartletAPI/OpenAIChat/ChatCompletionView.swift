package import MartletGenerations
import MartletJSON
package import MartletProtocol
package import MartletStreams

/// A generation as OpenAI's chat completion: chunks of a stream, or one object.
package typealias ChatCompletionView = OpenAIView<ChatChoice>

extension ChatCompletionView {
    /// - Parameters:
    ///   - prompt: the text of the prompt that `__verbose` shows.
    ///   - usesFunctions: whether a call is the member `function_call`, as the request's `functions` ask for.
    ///   - namesServiceTier: whether the response has `service_tier`, as the request has. There is one tier.
    package init(
        head: ResponseHead, options: CompletionOptions, prompt: String = "", usesFunctions: Bool = false,
        namesServiceTier: Bool = false
    ) {
        var head = head
        head.namesServiceTier = namesServiceTier
        self.init(head: head, options: options, prompt: prompt, choiceCount: options.choiceCount) { [head] index in
            ChatChoice(head: head, options: options, index: index, usesFunctions: usesFunctions)
        }
    }
}

/// One choice of a chat completion.
///
/// A chunk is three appends: a prefix that is encoded once, the escaped text, a suffix that is encoded once.
package struct ChatChoice: OpenAIChoice {
    package static let object: StaticString = "chat.completion"
    package static let addsUsageToLastChunk = false

    private let head: ResponseHead
    private let options: CompletionOptions
    /// From the beginning of a chunk to the text of its delta.
    private let contentPrefix: [UInt8]
    private let reasoningPrefix: [UInt8]
    package let suffix: [UInt8]
    private let probabilities: ProbabilityWriter
    /// From the beginning of a chunk to the members of its delta.
    private let opening: [UInt8]
    /// The number of the choice.
    private let index: Int
    /// Whether a call has OpenAI's older form, `function_call`.
    private let usesFunctions: Bool

    init(head: ResponseHead, options: CompletionOptions, index: Int, usesFunctions: Bool) {
        self.index = index
        self.usesFunctions = usesFunctions
        probabilities = ProbabilityWriter(stage: options.probabilityStage)
        self.head = head
        self.options = options
        let opening = "data: {\"choices\":[{\"finish_reason\":null,\"index\":\(index),\"delta\":{"
        self.opening = Array(opening.utf8)
        contentPrefix = Array("\(opening)\"content\":\"".utf8)
        reasoningPrefix = Array("\(opening)\"reasoning_content\":\"".utf8)
        var suffix = Array("],".utf8)
        head.write(object: "chat.completion.chunk", to: &suffix)
        self.suffix = suffix
    }

    package func encode(_ event: LogEvent, into bytes: inout [UInt8]) {
        switch event {
        case .text(let channel, _, let text):
            // A token without visible text needs no chunk unless the request asks for details of each token.
            guard !text.isEmpty, channel != .delimiter else { return }
            writeText(channel, text, to: &bytes)
            JSONText.appendRaw("}}", to: &bytes)
            endChunk(&bytes)
        case .detailedText(let channel, _, let text, let tokenDetails):
            encodeDetailed(channel, text, tokenDetails, into: &bytes)
        case .call(let number, let name) where usesFunctions:
            guard number == 0 else { return }
            bytes.append(contentsOf: opening)
            writeFunctionCall(name, [], to: &bytes)
            JSONText.appendRaw("}}", to: &bytes)
            endChunk(&bytes)
        case .arguments(let number, _, let text) where usesFunctions:
            guard !text.isEmpty, number == 0 else { return }
            bytes.append(contentsOf: opening)
            JSONText.appendRaw("\"function_call\":{\"arguments\":\"", to: &bytes)
            JSONText.appendEscaped(text, to: &bytes)
            JSONText.appendRaw("\"}}}", to: &bytes)
            endChunk(&bytes)
        case .call(let number, let name):
            bytes.append(contentsOf: opening)
            JSONText.appendRaw("\"tool_calls\":[{\"index\":", to: &bytes)
            JSONText.appendInteger(number, to: &bytes)
            JSONText.appendRaw(",", to: &bytes)
            writeCallHead(number, name, to: &bytes)
            JSONText.appendRaw("\"}}]}}", to: &bytes)
            endChunk(&bytes)
        case .arguments(let number, _, let text):
            guard !text.isEmpty else { return }
            bytes.append(contentsOf: opening)
            JSONText.appendRaw("\"tool_calls\":[{\"index\":", to: &bytes)
            JSONText.appendInteger(number, to: &bytes)
            JSONText.appendRaw(",\"function\":{\"arguments\":\"", to: &bytes)
            JSONText.appendEscaped(text, to: &bytes)
            JSONText.appendRaw("\"}}]}}", to: &bytes)
            endChunk(&bytes)
        case .warning(let text):
            bytes.append(contentsOf: opening)
            JSONText.appendRaw("}}", to: &bytes)
            JSONText.appendRaw("],", to: &bytes)
            head.write(object: "chat.completion.chunk", warnings: [text], to: &bytes)
            JSONText.appendRaw("}\n\n", to: &bytes)
        case .admitted, .promptTokens: break
        case .started:
            writeRole(to: &bytes)
            endChunk(&bytes)
        case .promptProgress(let progress):
            writeRole(to: &bytes)
            bytes.append(contentsOf: suffix)
            options.writeProgress(progress, to: &bytes)
            JSONText.appendRaw("}\n\n", to: &bytes)
        // The view of the whole generation encodes these.
        case .choice, .ended, .finished, .failed, .controlled, .ping, .handedOver: break
        }
    }

    /// Appends the beginning of a chunk with its text. Reasoning has two names, because clients read one or the other.
    private func writeText(_ channel: OutputChannel, _ text: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: channel == .reasoning ? reasoningPrefix : contentPrefix)
        JSONText.appendEscaped(text, to: &bytes)
        if channel == .reasoning {
            JSONText.appendRaw("\",\"reasoning\":\"", to: &bytes)
            JSONText.appendEscaped(text, to: &bytes)
        }
        JSONText.appendRaw("\"", to: &bytes)
    }

    /// Appends the member `function_call`.
    private func writeFunctionCall(_ name: String, _ arguments: [UInt8], to bytes: inout [UInt8]) {
        JSONText.appendRaw("\"function_call\":{\"name\":", to: &bytes)
        JSONText.appendString(name, to: &bytes)
        JSONText.appendRaw(",\"arguments\":", to: &bytes)
        JSONText.appendString(arguments, to: &bytes)
        JSONText.appendRaw("}", to: &bytes)
    }

    /// The reason of an end, in the words of the request's form of calls.
    private func finishReason(of completion: GenerationSummary) -> StaticString {
        usesFunctions && completion.endsInToolCalls && completion.reason.finishReason.description == "stop"
            ? "function_call" : completion.finishReason
    }

    /// Appends the members of a tool call up to the opening quote of its arguments.
    private func writeCallHead(_ number: Int, _ name: String, to bytes: inout [UInt8]) {
        JSONText.appendRaw("\"id\":", to: &bytes)
        JSONText.appendString(head.callID(index << 8 + number), to: &bytes)
        JSONText.appendRaw(",\"type\":\"function\",\"function\":{\"name\":", to: &bytes)
        JSONText.appendString(name, to: &bytes)
        JSONText.appendRaw(",\"arguments\":\"", to: &bytes)
    }

    /// Appends a chunk with details of a token. A token without visible text gets a chunk too, so that no token is
    /// missing.
    private func encodeDetailed(
        _ channel: OutputChannel, _ text: ArraySlice<UInt8>, _ tokenDetails: TokenDetails, into bytes: inout [UInt8]
    ) {
        if text.isEmpty || channel == .delimiter {
            bytes.append(contentsOf: opening)
        } else {
            writeText(channel, text, to: &bytes)
        }
        JSONText.appendRaw("}", to: &bytes)
        if !tokenDetails.probabilities.isEmpty {
            JSONText.appendRaw(",\"logprobs\":", to: &bytes)
            probabilities.write(tokenDetails.probabilities, isText: false, to: &bytes)
        }
        JSONText.appendRaw("}", to: &bytes)
        endChunk(&bytes, tokenDetails.tokenTimings)
    }

    /// Appends the first chunk of a choice up to the end of its delta.
    private func writeRole(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: opening)
        JSONText.appendRaw("\"role\":\"assistant\",\"content\":null}}", to: &bytes)
    }

    /// Appends the end of a chunk, with timings if the request asks for them.
    private func endChunk(_ bytes: inout [UInt8], _ tokenTimings: TokenTimings? = nil) {
        bytes.append(contentsOf: suffix)
        options.writeTimings(tokenTimings, to: &bytes)
        JSONText.appendRaw("}\n\n", to: &bytes)
    }

    /// Appends an element without a message.
    package func writeEnd(_ completion: GenerationSummary, to bytes: inout [UInt8]) {
        JSONText.appendRaw("{\"finish_reason\":\"", to: &bytes)
        JSONText.appendRaw(finishReason(of: completion), to: &bytes)
        JSONText.appendRaw("\",\"index\":", to: &bytes)
        JSONText.appendInteger(index, to: &bytes)
        JSONText.appendRaw(",\"delta\":{}}", to: &bytes)
    }

    /// Appends the member `tool_calls` of a whole message.
    private func writeCalls(_ calls: [ChoiceOutput.Call], to bytes: inout [UInt8]) {
        JSONText.appendRaw(",\"tool_calls\":[", to: &bytes)
        for (number, call) in calls.enumerated() {
            JSONText.appendRaw(number == 0 ? "{" : ",{", to: &bytes)
            writeCallHead(number, call.name, to: &bytes)
            JSONText.appendEscaped(call.arguments[...], to: &bytes)
            JSONText.appendRaw("\"}}", to: &bytes)
        }
        JSONText.appendRaw("]", to: &bytes)
    }

    /// Appends an element with the whole message.
    package func write(_ output: ChoiceOutput, to bytes: inout [UInt8]) {
        JSONText.appendRaw("{\"finish_reason\":\"", to: &bytes)
        JSONText.appendRaw(finishReason(of: output.completion), to: &bytes)
        JSONText.appendRaw("\",\"index\":", to: &bytes)
        JSONText.appendInteger(index, to: &bytes)
        JSONText.appendRaw(",\"message\":{\"role\":\"assistant\",\"content\":", to: &bytes)
        // OpenAI's clients expect null instead of an empty text next to tool calls.
        if output.content.isEmpty, !output.calls.isEmpty {
            JSONText.appendRaw("null", to: &bytes)
        } else {
            JSONText.appendString(output.content, to: &bytes)
        }
        if !output.reasoning.isEmpty {
            JSONText.appendRaw(",\"reasoning_content\":", to: &bytes)
            JSONText.appendString(output.reasoning, to: &bytes)
            JSONText.appendRaw(",\"reasoning\":", to: &bytes)
            JSONText.appendString(output.reasoning, to: &bytes)
        }
        if usesFunctions, let call = output.calls.first {
            JSONText.appendRaw(",", to: &bytes)
            writeFunctionCall(call.name, call.arguments, to: &bytes)
        } else if !output.calls.isEmpty {
            writeCalls(output.calls, to: &bytes)
        }
        JSONText.appendRaw("}", to: &bytes)
        if !output.probabilities.isEmpty {
            JSONText.appendRaw(",\"logprobs\":", to: &bytes)
            probabilities.write(output.probabilities, isText: false, to: &bytes)
        }
        JSONText.appendRaw("}", to: &bytes)
    }
}
