extension ChatFormat {
    /// Llama 3.1 to 3.3.
    static let llama = make("llama", .object(name: "name", arguments: "parameters")) {
        $0.startsBare = true
        $0.otherOpenings = ["<|python_tag|>"]
        $0.separator = "; "
        $0.allowsSeveral = false
    }

    /// Muse Glimmer.
    static let muse = invocations("muse", prefix: "atem:", section: "atem:function_calls")
        .with {
            $0.calls?.sharesSection = false
            $0.messageHead = MessageHead(
                starts: ["<|start|>assistant"], end: "<|message|>", content: [" to=user"], reasoning: [" to=self"],
                others: .discarded)
            $0.reasoning = Delimiters("<|start|>assistant to=self<|message|>", "<|eom|>")
            $0.content = [Delimiters("<|start|>assistant to=user<|message|>", "<|eom|>", "<|eot|>")]
        }

    /// Llama 3.2 and 4 where they write calls as Python does.
    static let llamaPython = make("llama-python", .headed(ToolCallHead(), .python)) {
        $0.startsBare = true
        $0.isList = true
        $0.separator = ", "
        $0.otherOpenings = ["<|python_start|>"]
    }
}
