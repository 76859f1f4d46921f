internal import MartletProtocol
internal import MartletStreams

/// Emits warnings of a request before the answer.
struct WarningSplitter: OutputSplitter {
    private var warnings: [String]
    /// The splitter of the answer; `nil` = the whole answer is content.
    private var splitter: (any OutputSplitter)?

    init(_ warnings: [String], before splitter: (any OutputSplitter)?) {
        self.warnings = warnings
        self.splitter = splitter
    }

    mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void) {
        warn(emit)
        if splitter == nil {
            if !bytes.isEmpty { emit(.text(.content, bytes)) }
        } else {
            splitter?.append(bytes, emit: emit)
        }
    }

    mutating func finish(emit: (OutputPiece) -> Void) {
        warn(emit)
        splitter?.finish(emit: emit)
    }

    private mutating func warn(_ emit: (OutputPiece) -> Void) {
        guard !warnings.isEmpty else { return }
        for warning in warnings { emit(.warning(warning)) }
        warnings = []
    }
}
