import MartletProtocol

extension EngineSequence {
    /// The state that is a function of the output tokens alone. A rewind restores it from a checkpoint.
    struct TextState {
        var outputText: OutputText
        var reasoning: ReasoningTracker?

        mutating func consume(_ piece: ArraySlice<UInt8>, into output: inout [UInt8]) -> OutputText.End? {
            reasoning?.consume(piece)
            return piece.isEmpty && !outputText.hasReleased ? nil : outputText.consume(piece, into: &output)
        }
    }
}
