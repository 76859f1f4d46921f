/// The single delimiters of a form, and what is written where an answer begins in the middle.
extension ChatFormat {
    /// Texts that may be control tokens: every tag of every literal, each once.
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

    /// The parts of a literal in angle or square brackets, and MiniMax's `]<]…[>[`.
    static func tags(in literal: String) -> [String] {
        var tags: [String] = []
        for part in parts(of: literal) where part.isTag { tags.append(part.text) }
        return tags
    }

    /// A literal as its tags and what stands between them.
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

    /// Whether a text begins with what is a tag, or the beginning of one.
    static func beginsWithTag(_ text: String) -> Bool {
        ChatFormatPlan.trimmed(text).first.map { "<[]".utf8.contains($0) } ?? false
    }

    /// Whether a tag is never part of ordinary text: `<|end|>` and `</tool_call>` are not, `</function>` may be.
    static func isUnmistakable(_ tag: String) -> Bool {
        if tag.contains("|") || tag.contains("｜") || tag.hasPrefix("]<]") { return true }
        if tag.contains("_") || (tag.hasPrefix("<") && tag.contains(":")) { return true }
        return tag.hasPrefix("<") && tag.contains(where: \.isLetter) && !tag.contains(where: \.isLowercase)
    }

    /// Tags of thinking, text and heads that mean something only together with others.
    var strayDelimiters: [String] {
        var literals = reasoning.map { [$0.start] + $0.ends } ?? []
        for enclosure in content { literals += [enclosure.start] + enclosure.ends }
        if let messageHead {
            literals += messageHead.starts + [messageHead.end, messageHead.callFront] + messageHead.callFillings
        }
        return (literals + ignored).flatMap(Self.tags).filter(Self.isUnmistakable)
    }

    /// What begins a call wherever it stands, and so ends thinking, too. Empty where calls begin as text may.
    var callStarts: [String] {
        guard let calls, !calls.startsBare, messageHead?.call == nil else { return [] }
        let starts = [calls.opening, ChatFormatPlan.core(calls.callOpening).count > 1 ? calls.callOpening : ""]
        return starts.map { String(decoding: ChatFormatPlan.trimmed($0), as: UTF8.self) }.filter(Self.beginsWithTag)
    }

    /// What a model writes in front of its text; empty in most forms.
    var contentStart: String {
        if let first = content.first { return first.start }
        guard let messageHead, let first = messageHead.content.first else { return "" }
        return messageHead.starts[0] + first + messageHead.end
    }

    /// `literal` without what of it a prompt ends with.
    static func unwrittenPart(of literal: String, in prompt: String) -> String {
        for count in stride(from: literal.utf8.count, to: 0, by: -1)
        where prompt.utf8.suffix(count).elementsEqual(literal.utf8.prefix(count)) {
            return String(decoding: literal.utf8.dropFirst(count), as: UTF8.self)
        }
        return literal
    }
}

extension ToolCallFormat {
    /// Tags of the form, and what its literals begin with where that is no whole tag.
    var strayDelimiters: [String] {
        literals.flatMap(ChatFormat.tags)
            + literals.map { String(decoding: ChatFormatPlan.core($0), as: UTF8.self) }
            .filter { ChatFormat.beginsWithTag($0) && $0.utf8.count > 2 }
    }

    /// Every literal of the form.
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
