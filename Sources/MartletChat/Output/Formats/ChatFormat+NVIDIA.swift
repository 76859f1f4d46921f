extension ChatFormat {
    static let nemotron = list("nemotron", "<TOOLCALL>", "</TOOLCALL>")
}
