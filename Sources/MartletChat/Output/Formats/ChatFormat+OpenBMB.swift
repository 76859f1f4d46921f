extension ChatFormat {
    /// MiniCPM 5.
    ///
    ///     <function name="get_weather"><param name="city">Oslo</param></function>
    ///
    /// A string that contains tags stands in `<![CDATA[…]]>`.
    static let miniCPM = make(
        "minicpm",
        .headed(
            ToolCallHead(nameStops: ["\""], end: ">"),
            .tagged(
                TaggedArguments(
                    opening: "<param name=\"", middle: .text("\">"), closing: "</param>", allowsCDATA: true)))
    ) {
        $0.callOpening = "<function name=\""
        $0.callClosing = "</function>"
        $0.separator = "\n"
    }
}
