extension ChatFormat {
    static let gigaChat = make("gigachat", .object(name: "name", arguments: "arguments")) {
        $0.callOpening = "<|function_call|>"
        $0.allowsSeveral = false
    }

    static let gigaChatMessages = make("gigachat-messages", .object(name: "name", arguments: "arguments")) {
        $0.callOpening = "<|message_sep|>\n\nfunction call<|role_sep|>\n"
        $0.allowsSeveral = false
    }
}
