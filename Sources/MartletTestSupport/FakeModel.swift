package import MartletProtocol

extension ModelInformation {
    /// The model of `FakeEngine`: 256 tokens, one per byte, and a ChatML template that refuses a tool message at the
    /// start.
    package static var fake: ModelInformation {
        var information = ModelInformation()
        information.path = "/models/fake-model.gguf"
        information.name = "Fake Model"
        information.summary = "fake 0.1M"
        information.fileType = "F32"
        information.parameterCount = 100_000
        information.byteCount = 400_000
        information.vocabularyKind = 2
        // One token per byte.
        information.vocabularySize = 256
        information.embeddingLength = 64
        information.trainedContextLength = 4_096
        information.contextLength = 8_192
        // Four sequences share the context.
        information.sequenceContextLength = 2_048
        information.sequenceCount = 4
        information.beginningToken = "<s>"
        information.endToken = "</s>"
        information.endOfGenerationTokens = [2]
        information.chatTemplate = """
            {%- if messages[0].role == 'tool' -%}{{ raise_exception('a conversation cannot begin with a tool') }}{%- endif -%}
            {%- for message in messages -%}
            {{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
            {%- endfor -%}
            {%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}
            """
        return information
    }
}

extension Prompt {
    /// The concatenated text of all pieces. Token ids are left out.
    package var text: String {
        pieces.map { piece in
            if case .text(let text, _) = piece { text } else { "" }
        }.joined()
    }
}
