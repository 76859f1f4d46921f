extension ChatFormat {
    /// GLM 4.5 and later, Ling 3, Laguna, Spark.
    ///
    ///     <tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>\n</tool_call>
    ///
    /// The name ends at the first argument's opening tag or at the end of the call.
    static let glm = make(
        "glm",
        .headed(
            ToolCallHead(),
            .tagged(
                TaggedArguments(
                    opening: "<arg_key>", middle: .text("</arg_key>\n<arg_value>"), closing: "</arg_value>",
                    separator: "\n")))
    ) {
        $0.callOpening = "<tool_call>"
        $0.callClosing = "\n</tool_call>"
        $0.separator = "\n"
    }
}
