package import MartletProtocol

extension ModelInformation {
    /// The model that `FakeEngine` pretends to have: a token is a byte, and the chat template is the usual one.
    package static var fake: ModelInformation {
        var information = ModelInformation()
        information.path = "/models/fake-model.gguf"
        information.name = "Fake Model"
        information.summary = "fake 0.1M"
        information.fileType = "F32"
        information.parameterCount = 100_000
        information.byteCount = 400_000
        information.vocabularyKind = 2
        information.vocabularySize = 256
        information.embeddingLength = 64
        information.trainedContextLength = 4_096
        information.contextLength = 8_192
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
    /// All of its text; token ids are left out.
    package var text: String {
        pieces.map { piece in
            if case .text(let text, _) = piece { text } else { "" }
        }.joined()
    }
}
