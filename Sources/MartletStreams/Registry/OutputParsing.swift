package import MartletProtocol

/// Tells the parts of a model's text apart, as it is written.
///
/// Text may be held back until it is certain what it belongs to; `finish` gives what is still held back.
package protocol OutputParsing: Sendable {
    mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void)
    mutating func finish(emit: (OutputPiece) -> Void)
}
