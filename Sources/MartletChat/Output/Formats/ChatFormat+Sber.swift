extension ChatFormat {
    /// GigaChat 3.1.
    ///
    ///     <|function_call|>{"name": "get_weather", "arguments": {"city": "Oslo"}}
    static let gigaChat = make("gigachat", .object(name: "name", arguments: "arguments")) {
        $0.callOpening = "<|function_call|>"
        $0.allowsSeveral = false
    }

    /// GigaChat 3: a call is a message of its own role.
    ///
    ///     <|message_sep|>\n\nfunction call<|role_sep|>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}
    static let gigaChatMessages = make("gigachat-messages", .object(name: "name", arguments: "arguments")) {
        $0.callOpening = "<|message_sep|>\n\nfunction call<|role_sep|>\n"
        $0.allowsSeveral = false
    }
}
