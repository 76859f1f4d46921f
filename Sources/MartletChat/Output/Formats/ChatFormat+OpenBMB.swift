extension ChatFormat {
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
