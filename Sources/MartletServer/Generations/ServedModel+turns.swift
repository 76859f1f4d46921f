internal import MartletAPI
internal import MartletChat
internal import MartletJSON
internal import MartletJinja
internal import MartletProtocol

extension ServedModel {
    /// What closes a running answer, says `content` as `role`, and asks for the next answer, as the template would.
    func turnPrompt(
        of role: String, content: String, in chat: ChatCompletionRequest
    ) throws(APIError) -> Prompt {
        let template = try usableTemplate()
        let capabilities = template.capabilities
        guard capabilities.textRoles.contains(role) || capabilities.partsRoles.contains(role) else {
            throw .field("role", "The model's chat template does not take this role, but got \"\(role.prefix(64))\"")
        }
        // Stands for the answer so far: what the template puts behind it is what is looked for.
        let marker = "answer\(UInt64.random(in: 0 ... .max))"
        var request = chat
        request.addsGenerationPrompt = true
        request.messages.append(["role": "assistant", "content": .string(marker)])
        request.messages.append(["role": .string(role), "content": .string(content)])
        let rendered = try render(request)
        guard let pieces = rendered.pieces(behind: marker), !pieces.isEmpty else {
            throw .field("role", "The model's chat template does not show an answer in front of a message of this role")
        }
        return Prompt(pieces: pieces, addsBeginning: false)
    }
}

extension RenderedPrompt {
    /// What comes behind the first place where the prompt says `marker`.
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
