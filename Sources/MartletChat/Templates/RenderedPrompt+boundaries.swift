import MartletJinja
import MartletProtocol

/// Boundaries of messages, which the KV cache uses for checkpoints and pins.
///
/// A boundary never changes the tokens of a prompt. A missing or misplaced boundary costs time and no correctness.
extension RenderedPrompt {
    /// Finds the boundaries of a rendered conversation.
    ///
    /// A message of the user begins where `userHead` begins in the template's own text. A client's text that contains
    /// the head is untrusted, so it makes no boundary.
    /// - Parameters:
    ///   - userHead: the text with which the template begins such a message; "" if it is unknown.
    ///   - opensReply: whether `opening` begins the reply.
    /// - Complexity: linear in the text.
    mutating func findBoundaries(userHead: String, opensReply: Bool) {
        let text = ProvenanceText(text, isTrusted: true)
        var offsets = userHead.isEmpty ? [] : text.occurrences(of: ProvenanceText(userHead, isTrusted: true))[...]
        var start = 0
        for (index, segment) in segments.enumerated() {
            let end = start + segment.text.utf8.count
            while let offset = offsets.first, offset < end {
                offsets.removeFirst()
                if segment.isTrusted {
                    boundaries.append(PromptBoundary(.userMessage, piece: index, offset: offset - start))
                }
            }
            start = end
        }
        guard opensReply, !opening.isEmpty, let last = segments.last?.text, last.hasSuffix(opening) else { return }
        boundaries.append(
            PromptBoundary(
                .generationPrompt, piece: segments.count - 1, offset: last.utf8.count - opening.utf8.count))
    }

    /// Asks to pin the prompt up to the end of the text that it has in common with `prefix`.
    ///
    /// - Parameter prefix: the rendering of the messages up to the pinned one.
    package mutating func pin(upTo prefix: RenderedPrompt) {
        pin(atByte: ProvenanceText.commonPrefix(of: text, prefix.text), .message)
    }

    /// Asks to pin the prompt up to the text that opens the reply; the whole prompt if no text does.
    package mutating func pinMessages() {
        if let last = boundaries.indices.last, boundaries[last].kind == .generationPrompt {
            boundaries[last].isPinned = true
        } else {
            pin(atByte: text.utf8.count, .message)
        }
    }

    /// Removes the text behind the part that this prompt has in common with `other`, and pins its end.
    package mutating func cut(toCommonBeginningWith other: RenderedPrompt) {
        var rest = ProvenanceText.commonPrefix(of: text, other.text)
        var kept: [PromptSegment] = []
        for segment in segments where rest > 0 {
            let count = min(rest, segment.text.utf8.count)
            // The common part ends between code points.
            kept.append(
                PromptSegment(
                    text: String(decoding: segment.text.utf8.prefix(count), as: UTF8.self),
                    isTrusted: segment.isTrusted))
            rest -= count
        }
        segments = kept
        let end = PromptBoundary(.message, piece: kept.count - 1, offset: kept.last?.text.utf8.count ?? 0)
        boundaries.removeAll { !($0 < end) }
        boundaries.append(PromptBoundary(.message, piece: kept.count, offset: 0, isPinned: true))
        (opening, continuation) = ("", "")
    }

    /// Pins at a byte of the text. A boundary that exists there is pinned.
    private mutating func pin(atByte offset: Int, _ kind: PromptBoundary.Kind) {
        guard offset > 0 else { return }
        var boundary = PromptBoundary(kind, piece: segments.count, offset: 0, isPinned: true)
        var start = 0
        for (index, segment) in segments.enumerated() {
            let end = start + segment.text.utf8.count
            if offset < end {
                (boundary.piece, boundary.offset) = (index, offset - start)
                break
            }
            start = end
        }
        let position = boundaries.firstIndex { $0 >= boundary } ?? boundaries.endIndex
        if position < boundaries.endIndex, !(boundary < boundaries[position]) {
            boundaries[position].isPinned = true
        } else {
            boundaries.insert(boundary, at: position)
        }
    }
}
