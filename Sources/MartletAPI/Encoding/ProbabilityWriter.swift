import MartletJSON
import MartletProtocol
internal import MartletText

/// Writes the probabilities of tokens.
///
/// The members are llama-server's. Members before sampling include OpenAI's for chats, so one list serves both.
struct ProbabilityWriter: Sendable, Equatable {
    /// The stage decides the names: `logprob` before sampling, `prob` after sampling.
    var stage: ProbabilityRequest.Stage

    /// Appends `{"content":[…]}`; text completions also get OpenAI's older members.
    func write(_ tokens: [TokenProbabilities], isText: Bool, to bytes: inout [UInt8]) {
        JSONText.appendRaw("{\"content\":", to: &bytes)
        writeEntries(tokens, to: &bytes)
        if isText, stage == .beforeSampling { writeTextMembers(tokens, to: &bytes) }
        JSONText.appendRaw("}", to: &bytes)
    }

    /// Appends only the list, without an object around it.
    func writeEntries(_ tokens: [TokenProbabilities], to bytes: inout [UInt8]) {
        JSONText.appendRaw("[", to: &bytes)
        writeList(tokens, to: &bytes) { token, bytes in writeEntry(token, to: &bytes) }
        JSONText.appendRaw("]", to: &bytes)
    }

    /// Appends the object of one token: the sampled token, then the most likely ones.
    private func writeEntry(_ token: TokenProbabilities, to bytes: inout [UInt8]) {
        writeMembers(token[0], to: &bytes)
        JSONText.appendRaw(stage == .beforeSampling ? ",\"top_logprobs\":[" : ",\"top_probs\":[", to: &bytes)
        writeList(1..<token.count, to: &bytes) { index, bytes in
            writeMembers(token[index], to: &bytes)
            JSONText.appendRaw("}", to: &bytes)
        }
        JSONText.appendRaw("]}", to: &bytes)
    }

    /// Appends `{"id":…,"token":…,"bytes":[…],"logprob":…` without the closing brace.
    private func writeMembers(_ element: TokenProbabilities.Element, to bytes: inout [UInt8]) {
        JSONText.appendRaw("{\"id\":", to: &bytes)
        JSONText.appendInteger(element.id, to: &bytes)
        JSONText.appendRaw(",\"token\":", to: &bytes)
        JSONText.appendString(Self.text(element), to: &bytes)
        JSONText.appendRaw(",\"bytes\":[", to: &bytes)
        writeList(element.bytes, to: &bytes) { byte, bytes in JSONText.appendInteger(byte, to: &bytes) }
        JSONText.appendRaw(stage == .beforeSampling ? "],\"logprob\":" : "],\"prob\":", to: &bytes)
        Self.writeValue(element.value, to: &bytes)
    }

    /// Appends OpenAI's members for text completions, each after a comma.
    private func writeTextMembers(_ tokens: [TokenProbabilities], to bytes: inout [UInt8]) {
        JSONText.appendRaw(",\"tokens\":[", to: &bytes)
        writeList(tokens, to: &bytes) { JSONText.appendString(Self.text($0[0]), to: &$1) }
        JSONText.appendRaw("],\"token_logprobs\":[", to: &bytes)
        writeList(tokens, to: &bytes) { Self.writeValue($0[0].value, to: &$1) }
        JSONText.appendRaw("],\"top_logprobs\":[", to: &bytes)
        writeList(tokens, to: &bytes) { token, bytes in
            // The first token of a prompt has no probability.
            if token[0].value == .infinity { return JSONText.appendRaw("null", to: &bytes) }
            JSONText.appendRaw("{", to: &bytes)
            // The most likely tokens, then the sampled one. Two tokens can have one text, such as parts of characters.
            // An
            // object must not repeat a member, so the more likely token counts.
            var seen: Set<ExactString> = []
            for index in Array(1..<max(1, token.count)) + [0] where seen.insert(Self.text(token[index])) {
                if seen.count > 1 { JSONText.appendRaw(",", to: &bytes) }
                JSONText.appendString(Self.text(token[index]), to: &bytes)
                JSONText.appendRaw(":", to: &bytes)
                Self.writeValue(token[index].value, to: &bytes)
            }
            JSONText.appendRaw("}", to: &bytes)
        }
        JSONText.appendRaw("],\"text_offset\":[", to: &bytes)
        writeList(tokens, to: &bytes) { JSONText.appendInteger($0.textOffset, to: &$1) }
        JSONText.appendRaw("]", to: &bytes)
    }

    private func writeList<Elements: Collection>(
        _ elements: Elements, to bytes: inout [UInt8], _ write: (Elements.Element, inout [UInt8]) -> Void
    ) {
        var isFirst = true
        for element in elements {
            if !isFirst { JSONText.appendRaw(",", to: &bytes) }
            isFirst = false
            write(element, &bytes)
        }
    }

    /// The text of a token. Parts of characters become U+FFFD; the member `bytes` has them unchanged.
    private static func text(_ element: TokenProbabilities.Element) -> String {
        String(decoding: element.bytes, as: UTF8.self)
    }

    /// Appends the shortest decimal that reads back as the same `Float`; `null` for infinity.
    private static func writeValue(_ value: Float, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: value.isFinite ? value.description.utf8 : "null".utf8)
    }
}

extension [TokenProbabilities] {
    /// The joined text of the sampled tokens. Bytes that are no UTF-8 become U+FFFD.
    var text: String { String(decoding: flatMap { $0[0].bytes }, as: UTF8.self) }
}
