import MartletGrammar

/// An `ChatFormat`, prepared for reading answers and for making grammars of them.
package struct PreparedChatFormat: Sendable {
    package let format: ChatFormat
    let plain: ChatFormatPlan
    let withCalls: ChatFormatPlan
    let grammars = GrammarCache()

    /// What begins a call that ends thinking.
    package var callStarts: [String] { format.callStarts }

    package init(_ format: ChatFormat) {
        self.format = format
        plain = ChatFormatPlan(format, readsCalls: false)
        withCalls = ChatFormatPlan(format, readsCalls: true)
    }
}
