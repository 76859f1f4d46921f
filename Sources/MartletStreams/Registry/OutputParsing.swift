package import MartletProtocol

/// Splits a model's output into reasoning, content and tool calls while it is generated.
///
/// A parser may withhold text until the text's channel is certain. `finish` emits the withheld text.
package protocol OutputParsing: Sendable {
    /// Parses more output. The bytes may end within a UTF-8 character or a delimiter.
    mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void)
    /// Emits the withheld text at the end of the output. To be called once, as the last call.
    mutating func finish(emit: (OutputPiece) -> Void)
}
