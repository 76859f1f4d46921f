import MartletProtocol

/// Joins adjoining text of one channel.
struct TextRun {
    private var channel = OutputChannel.content
    private var bytes: [UInt8] = []

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

    mutating func flush(_ emit: (OutputPiece) -> Void) {
        if bytes.isEmpty { return }
        emit(.text(channel, bytes[...]))
        bytes = []
    }
}
