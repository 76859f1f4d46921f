extension ChatFormat {
    /// Functionary 3.2.
    static let functionary = make("functionary", .headed(ToolCallHead(), .object)) { _ in }
        .with {
            $0.messageHead = MessageHead(starts: [">>>"], end: "\n", content: ["all"], call: "", matchesWhole: true)
        }

    /// Functionary 3.1 for Llama.
    static let functionaryTags = make("functionary-tags", .headed(ToolCallHead(end: ">"), .object)) {
        $0.callOpening = "<function="
        $0.callClosing = "</function>"
    }
}
