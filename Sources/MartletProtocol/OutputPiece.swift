/// A piece of a model's output after the output parser.
package enum OutputPiece: Sendable, Equatable {
    /// Text of a channel; not empty.
    case text(OutputChannel, ArraySlice<UInt8>)
    /// The beginning of a tool call: its name is complete and was offered. Calls are numbered from 0.
    case call(Int, name: String)
    /// More of the arguments of a call. The pieces of a call join to the text of a JSON object; an interrupted call has
    /// only its beginning.
    case arguments(call: Int, ArraySlice<UInt8>)
    /// The arguments of a call are complete.
    case callEnd(Int)
    /// A defect of the output that a client should know of: one sentence.
    case warning(String)
}
