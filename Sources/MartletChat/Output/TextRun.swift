import MartletProtocol

/// Joins adjoining text pieces of one channel, so that a chunk of output makes few events.
struct TextRun {
    private var channel = OutputChannel.content
    private var bytes: [UInt8] = []

    /// Appends text, or emits the text so far and then `piece`.
    mutating func append(_ piece: OutputPiece, _ emit: (OutputPiece) -> Void) {
        guard case .text(let channel, let text) = piece else {
            flush(emit)
            emit(piece)
            return
        }
        if channel != self.channel { flush(emit) }
        self.channel = channel
        bytes.append(contentsOf: text)
    }

    /// Emits the text so far.
    mutating func flush(_ emit: (OutputPiece) -> Void) {
        if bytes.isEmpty { return }
        emit(.text(channel, bytes[...]))
        bytes = []
    }
}
