extension ChatFormat {
    /// GPT-OSS.
    static let harmony = make(
        "harmony", .headed(ToolCallHead(nameStart: "functions.", nameStops: ["<|", " "]), .object)
    ) {
        $0.allowsSeveral = false
    }.with {
        $0.messageHead = MessageHead(
            starts: ["<|start|>assistant", "<|channel|>"], end: "<|message|>",
            content: ["<|channel|>final", "<|channel|>commentary", "final", "commentary"],
            reasoning: ["<|channel|>analysis", "analysis"], call: "to=functions.",
            callFront: "<|channel|>commentary",
            callFillings: ["<|channel|>commentary json", " <|constrain|>json"], others: .discarded)
        $0.reasoning = Delimiters("<|channel|>analysis<|message|>", "<|end|>")
        $0.content = [Delimiters("<|channel|>final<|message|>", "<|end|>", "<|return|>")]
        $0.ignored = ["<|call|>"]
    }
}
