/// What a model's text turned out to be, piece by piece.
package enum OutputPiece: Sendable, Equatable {
    /// Not empty.
    case text(OutputChannel, ArraySlice<UInt8>)
    /// A tool call begins: its name is complete and was offered. Calls are counted from 0.
    case call(Int, name: String)
    /// More of a call's arguments. All of a call's pieces join to the text of a JSON object; a call that was cut off
    /// has the beginning of one.
    case arguments(call: Int, ArraySlice<UInt8>)
    /// The arguments of a call are complete.
    case callEnd(Int)
    /// What a client should know of an answer that is not as it should be: one sentence.
    case warning(String)
}
