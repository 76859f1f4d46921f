extension ChatFormat {
    /// Functionary 3.2. Each message of an output has a head of one line: `all` for content, else the tool's name.
    ///
    ///     >>>all\nLet me see.>>>get_weather\n{"city": "Oslo"}
    ///
    /// Delimiters: `>>>`, the head and its line feed. The head must equal a tool's name; another line is content.
    static let functionary = make("functionary", .headed(ToolCallHead(), .object)) { _ in }
        .with {
            $0.messageHead = MessageHead(starts: [">>>"], end: "\n", content: ["all"], call: "", matchesWhole: true)
        }

    /// Functionary 3.1 for Llama: one tag per call, with the name in it.
    ///
    ///     <function=get_weather>{"city": "Oslo"}</function>
    static let functionaryTags = make("functionary-tags", .headed(ToolCallHead(end: ">"), .object)) {
        $0.callOpening = "<function="
        $0.callClosing = "</function>"
    }
}
