/// The delimiters of a format, and the parts of a literal that a prompt has written already.
extension ChatFormat {
    /// Every tag of every literal, once, as the engine must show them in text if they are control tokens.
    ///
    /// `GenerationRequest.visibleDelimiters` receives them. Without it the engine would emit an empty text for such a
    /// token.
    func tokens(withCalls: Bool) -> [String] {
        var literals = [reasoning].compactMap(\.self).flatMap { [$0.start] + $0.ends }
        for enclosure in content { literals += [enclosure.start] + enclosure.ends }
        if let messageHead {
            literals += messageHead.starts + [messageHead.end, messageHead.callFront] + messageHead.callFillings
        }
        literals += ignored
        if withCalls, let calls { literals += calls.literals }
        var tokens: [String] = []
        for literal in literals {
            let whole = String(decoding: ChatFormatPlan.trimmed(literal), as: UTF8.self)
            for token in [whole] + Self.tags(in: literal) where !token.isEmpty && !tokens.contains(token) {
                tokens.append(token)
            }
        }
        return tokens
    }

    /// The tags of a literal: parts in angle or square brackets, and MiniMax M3's `]<]…[>[`.
    static func tags(in literal: String) -> [String] {
        var tags: [String] = []
        for part in parts(of: literal) where part.isTag { tags.append(part.text) }
        return tags
    }

    /// A literal, divided into tags and the text between them. Example: `<tool_call>\n` is a tag and a line feed.
    static func parts(of literal: String) -> [(text: String, isTag: Bool)] {
        var parts: [(text: String, isTag: Bool)] = []
        var plain = ""
        var rest = literal[...]
        while let first = rest.first {
            if rest.hasPrefix("]<]"), let end = rest.firstRange(of: "[>[") {
                if !plain.isEmpty { parts.append((plain, false)) }
                plain = ""
                parts.append((String(rest[..<end.upperBound]), true))
                rest = rest[end.upperBound...]
                continue
            }
            let close: Character? = first == "<" ? ">" : first == "[" ? "]" : nil
            if let close, let end = rest.firstIndex(of: close), rest.distance(from: rest.startIndex, to: end) > 1 {
                if !plain.isEmpty { parts.append((plain, false)) }
                plain = ""
                parts.append((String(rest[...end]), true))
                rest = rest[rest.index(after: end)...]
            } else {
                plain.append(first)
                rest = rest.dropFirst()
            }
        }
        if !plain.isEmpty { parts.append((plain, false)) }
        return parts
    }

    /// Whether a text begins with a tag or with the beginning of a tag.
    static func beginsWithTag(_ text: String) -> Bool {
        ChatFormatPlan.trimmed(text).first.map { "<[]".utf8.contains($0) } ?? false
    }

    /// Whether a tag never occurs in ordinary text. `<|end|>` and `</tool_call>` never do; `</function>` may.
    ///
    /// The rule: a bar, an underscore or a name space in it, or upper-case letters only.
    static func isUnmistakable(_ tag: String) -> Bool {
        if tag.contains("|") || tag.contains("｜") || tag.hasPrefix("]<]") { return true }
        if tag.contains("_") || (tag.hasPrefix("<") && tag.contains(":")) { return true }
        return tag.hasPrefix("<") && tag.contains(where: \.isLetter) && !tag.contains(where: \.isLowercase)
    }

    /// Tags of reasoning, content and heads. Without their counterparts they have no meaning and are removed.
    var strayDelimiters: [String] {
        var literals = reasoning.map { [$0.start] + $0.ends } ?? []
        for enclosure in content { literals += [enclosure.start] + enclosure.ends }
        if let messageHead {
            literals += messageHead.starts + [messageHead.end, messageHead.callFront] + messageHead.callFillings
        }
        return (literals + ignored).flatMap(Self.tags).filter(Self.isUnmistakable)
    }

    /// The delimiters that begin a call anywhere, also within reasoning. Empty for formats whose calls begin as text
    /// may.
    var callStarts: [String] {
        guard let calls, !calls.startsBare, messageHead?.call == nil else { return [] }
        let starts = [calls.opening, ChatFormatPlan.core(calls.callOpening).count > 1 ? calls.callOpening : ""]
        return starts.map { String(decoding: ChatFormatPlan.trimmed($0), as: UTF8.self) }.filter(Self.beginsWithTag)
    }

    /// The delimiter in front of content; empty for most formats.
    var contentStart: String {
        if let first = content.first { return first.start }
        guard let messageHead, let first = messageHead.content.first else { return "" }
        return messageHead.starts[0] + first + messageHead.end
    }

    /// The part of `literal` that the prompt has not written yet.
    ///
    /// Example: for `<think>\n` and a prompt that ends with `<think>` it is `\n`. The longest overlap counts.
    static func unwrittenPart(of literal: String, in prompt: String) -> String {
        for count in stride(from: literal.utf8.count, to: 0, by: -1)
        where prompt.utf8.suffix(count).elementsEqual(literal.utf8.prefix(count)) {
            return String(decoding: literal.utf8.dropFirst(count), as: UTF8.self)
        }
        return literal
    }
}

extension ToolCallFormat {
    /// Tags of the calls, and the first part of each literal that begins with an incomplete tag.
    var strayDelimiters: [String] {
        literals.flatMap(ChatFormat.tags)
            + literals.map { String(decoding: ChatFormatPlan.core($0), as: UTF8.self) }
            .filter { ChatFormat.beginsWithTag($0) && $0.utf8.count > 2 }
    }

    /// Every non-empty literal of the format.
    var literals: [String] {
        var literals = [opening, callOpening, callClosing, closing] + otherOpenings
        if case .headed(let head, let arguments) = shape {
            literals += [head.nameStart, head.end] + head.nameStops
            for filling in [head.front, head.filling] {
                switch filling {
                case .none: break
                case .number(let front, _, let back): literals += [front, back]
                case .identifier(let front): literals.append(front)
                }
            }
            switch arguments {
            case .object, .python: break
            case .gemma: literals.append("<|\"|>")
            case .tagged(let tagged):
                literals += [tagged.opening, tagged.closing]
                switch tagged.middle {
                case .text(let text): literals.append(text)
                case .typed(let front, _, let back): literals += [front, back]
                }
            }
        }
        return literals.filter { !$0.isEmpty }
    }
}
