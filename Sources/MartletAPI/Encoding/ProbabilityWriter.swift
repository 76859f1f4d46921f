import MartletJSON
import MartletProtocol
internal import MartletText

/// Writes what is known of tokens: llama-server's members, which have OpenAI's for chats among them.
struct ProbabilityWriter: Sendable, Equatable {
    var stage: ProbabilityRequest.Stage

    /// Appends `{"content":[…]}`, for text completions with OpenAI's older members beside it.
    func write(_ tokens: [TokenProbabilities], isText: Bool, to bytes: inout [UInt8]) {
        JSONText.appendRaw("{\"content\":", to: &bytes)
        writeEntries(tokens, to: &bytes)
        if isText, stage == .beforeSampling { writeTextMembers(tokens, to: &bytes) }
        JSONText.appendRaw("}", to: &bytes)
    }

    /// Appends the list by itself.
    func writeEntries(_ tokens: [TokenProbabilities], to bytes: inout [UInt8]) {
        JSONText.appendRaw("[", to: &bytes)
        writeList(tokens, to: &bytes) { token, bytes in writeEntry(token, to: &bytes) }
        JSONText.appendRaw("]", to: &bytes)
    }

    private func writeEntry(_ token: TokenProbabilities, to bytes: inout [UInt8]) {
        writeMembers(token[0], to: &bytes)
        JSONText.appendRaw(stage == .beforeSampling ? ",\"top_logprobs\":[" : ",\"top_probs\":[", to: &bytes)
        writeList(1..<token.count, to: &bytes) { index, bytes in
            writeMembers(token[index], to: &bytes)
            JSONText.appendRaw("}", to: &bytes)
        }
        JSONText.appendRaw("]}", to: &bytes)
    }

    /// Appends `{"id":…,"token":…,"bytes":[…],"logprob":…` without the brace behind it.
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

    /// Appends OpenAI's members for text completions, each behind a comma.
    private func writeTextMembers(_ tokens: [TokenProbabilities], to bytes: inout [UInt8]) {
        JSONText.appendRaw(",\"tokens\":[", to: &bytes)
        writeList(tokens, to: &bytes) { JSONText.appendString(Self.text($0[0]), to: &$1) }
        JSONText.appendRaw("],\"token_logprobs\":[", to: &bytes)
        writeList(tokens, to: &bytes) { Self.writeValue($0[0].value, to: &$1) }
        JSONText.appendRaw("],\"top_logprobs\":[", to: &bytes)
        writeList(tokens, to: &bytes) { token, bytes in
            if token[0].value == .infinity { return JSONText.appendRaw("null", to: &bytes) }
            JSONText.appendRaw("{", to: &bytes)
            // The likeliest, and the drawn one. Two tokens can have one text, such as parts of characters; a member
            // must come once: the likelier counts.
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

    /// Parts of characters become U+FFFD; `bytes` has them as they are.
    private static func text(_ element: TokenProbabilities.Element) -> String {
        String(decoding: element.bytes, as: UTF8.self)
    }

    /// The shortest decimal that is the same `Float`.
    private static func writeValue(_ value: Float, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: value.isFinite ? value.description.utf8 : "null".utf8)
    }
}

extension [TokenProbabilities] {
    /// What the tokens stand for. Parts of characters, and what is none, become U+FFFD.
    var text: String { String(decoding: flatMap { $0[0].bytes }, as: UTF8.self) }
}
