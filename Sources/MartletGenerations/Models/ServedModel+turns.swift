internal import MartletChat
internal import MartletConversation
internal import MartletJinja
internal import MartletProtocol
internal import MartletStreams
import MartletText

extension ServedModel {
    /// The text that closes the running turn of the assistant, adds a turn of `role`, and opens the next turn of the
    /// assistant, as the template writes them.
    ///
    /// The template renders the conversation with a random text in place of the running output; the text behind that
    /// is the result.
    func turnPrompt(
        of role: String, content: String, in chat: ChatCompletionRequest
    ) throws(GenerationError) -> Prompt {
        let template = try usableTemplate()
        let capabilities = template.capabilities
        guard capabilities.textRoles.contains(role) || capabilities.partsRoles.contains(role),
            let role = ConversationMessage.Role(rawValue: role)
        else {
            throw .field(
                "role", "The model's chat template does not accept this role, but got \"\(role.excerpt(bytes: 64))\"")
        }
        let marker = "answer\(UInt64.random(in: 0 ... .max))"
        var request = chat
        request.addsGenerationPrompt = true
        request.messages.append(ConversationMessage(.assistant, marker))
        request.messages.append(ConversationMessage(role, content))
        let rendered = try render(request)
        guard let pieces = rendered.pieces(behind: marker), !pieces.isEmpty else {
            throw .field("role", "The model's chat template drops the output in front of a message of this role")
        }
        return Prompt(pieces: pieces, addsBeginning: false)
    }
}

extension RenderedPrompt {
    /// The part of the prompt behind the first occurrence of `marker`; nil if there is none.
    fileprivate func pieces(behind marker: String) -> [Prompt.Piece]? {
        for (index, segment) in segments.enumerated() {
            guard let range = segment.text.firstRange(of: marker) else { continue }
            let rest = String(segment.text[range.upperBound...])
            var pieces: [Prompt.Piece] = rest.isEmpty ? [] : [.text(rest, isTrusted: segment.isTrusted)]
            pieces += segments[(index + 1)...].map { .text($0.text, isTrusted: $0.isTrusted) }
            return pieces
        }
        return nil
    }
}
