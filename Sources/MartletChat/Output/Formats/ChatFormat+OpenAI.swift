extension ChatFormat {
    /// GPT-OSS (the Harmony format). Messages with heads; the channel in the head names the kind.
    ///
    ///     <|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>
    ///     <|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city": "Oslo"}<|call|>
    ///
    /// A head with `to=functions.` begins a call: its text is the arguments. Source: OpenAI's description of Harmony.
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
