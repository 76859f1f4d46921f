extension ChatFormat {
    /// Nemotron Nano v2.
    ///
    ///     <TOOLCALL>[{"name": "get_weather", "arguments": {"city": "Oslo"}}]</TOOLCALL>
    static let nemotron = list("nemotron", "<TOOLCALL>", "</TOOLCALL>")
}
