internal import MartletProtocol
internal import MartletStreams

/// Emits warnings of a request before the first piece of output.
struct WarningParser: OutputParsing {
    /// The warnings that are not emitted yet.
    private var warnings: [String]
    /// The output parser; nil if the whole output is content.
    private var parser: (any OutputParsing)?

    init(_ warnings: [String], before parser: (any OutputParsing)?) {
        self.warnings = warnings
        self.parser = parser
    }

    mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void) {
        emitWarnings(emit)
        if parser == nil {
            if !bytes.isEmpty { emit(.text(.content, bytes)) }
        } else {
            parser?.append(bytes, emit: emit)
        }
    }

    mutating func finish(emit: (OutputPiece) -> Void) {
        emitWarnings(emit)
        parser?.finish(emit: emit)
    }

    private mutating func emitWarnings(_ emit: (OutputPiece) -> Void) {
        guard !warnings.isEmpty else { return }
        for warning in warnings { emit(.warning(warning)) }
        warnings = []
    }
}
