internal import MartletProtocol
internal import MartletStreams

/// Emits warnings of a request before the answer.
struct WarningParser: OutputParsing {
    private var warnings: [String]
    /// The splitter of the answer; `nil` = the whole answer is content.
    private var parser: (any OutputParsing)?

    init(_ warnings: [String], before parser: (any OutputParsing)?) {
        self.warnings = warnings
        self.parser = parser
    }

    mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void) {
        warn(emit)
        if parser == nil {
            if !bytes.isEmpty { emit(.text(.content, bytes)) }
        } else {
            parser?.append(bytes, emit: emit)
        }
    }

    mutating func finish(emit: (OutputPiece) -> Void) {
        warn(emit)
        parser?.finish(emit: emit)
    }

    private mutating func warn(_ emit: (OutputPiece) -> Void) {
        guard !warnings.isEmpty else { return }
        for warning in warnings { emit(.warning(warning)) }
        warnings = []
    }
}
