import MartletGrammar

/// A `ChatFormat` prepared for parsers and grammars. One per model, made once, shared by all requests.
package struct PreparedChatFormat: Sendable {
    package let format: ChatFormat
    /// The plan for requests without tools.
    let plain: ChatFormatPlan
    /// The plan for requests with tools.
    let withCalls: ChatFormatPlan
    /// The grammars made so far. The cache is thread-safe and bounded.
    let grammars = GrammarCache()

    /// The delimiters of calls that also end reasoning. The engine receives them with the grammar.
    package var callStarts: [String] { format.callStarts }

    /// Compiles both plans; some microseconds.
    package init(_ format: ChatFormat) {
        self.format = format
        plain = ChatFormatPlan(format, readsCalls: false)
        withCalls = ChatFormatPlan(format, readsCalls: true)
    }
}
