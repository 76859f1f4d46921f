extension ChatFormat {
    /// Llama 3.1 to 3.3: the output is the JSON object of one call, without delimiters.
    ///
    ///     {"name": "get_weather", "parameters": {"city": "Oslo"}}
    ///
    /// So the first byte of an output decides: `{` may begin a call. `<|python_tag|>` in front of it is optional.
    static let llama = make("llama", .object(name: "name", arguments: "parameters")) {
        $0.startsBare = true
        $0.otherOpenings = ["<|python_tag|>"]
        $0.separator = "; "
        $0.allowsSeveral = false
    }

    /// Muse Glimmer: messages with heads, and calls as XML in a name space.
    ///
    ///     <|start|>assistant to=self<|message|>Hm.<|eom|>
    ///     <|start|>assistant to=user<|message|><atem:function_calls>\n<atem:invoke name="get_weather">\n…
    ///
    /// The recipient in the head decides: `self` is reasoning, `user` is content. Other heads are removed.
    static let muse = invocations("muse", prefix: "atem:", section: "atem:function_calls")
        .with {
            $0.calls?.sharesSection = false
            $0.messageHead = MessageHead(
                starts: ["<|start|>assistant"], end: "<|message|>", content: [" to=user"], reasoning: [" to=self"],
                others: .discarded)
            $0.reasoning = Delimiters("<|start|>assistant to=self<|message|>", "<|eom|>")
            $0.content = [Delimiters("<|start|>assistant to=user<|message|>", "<|eom|>", "<|eot|>")]
        }

    /// Llama 3.2 and 4 where they write calls as a Python list, without delimiters.
    ///
    ///     [get_weather(city='Oslo', days=3)]
    ///
    /// `[` as the first byte of an output may begin calls.
    static let llamaPython = make("llama-python", .headed(ToolCallHead(), .python)) {
        $0.startsBare = true
        $0.isList = true
        $0.separator = ", "
        $0.otherOpenings = ["<|python_start|>"]
    }
}
