/// The tokens of one sequence in a batch.
struct BatchPart {
    let sequence: EngineSequence
    let entry: KVEntryID
    /// The number of computed items of the entry before the batch, and the number of items of the part.
    var start: Int
    var count: Int
    /// The index in the batch of the last item of the part.
    var lastIndex: Int
    /// The index of the logits in the batch, if this part completes the pending items of the sequence; otherwise `nil`.
    var logitsIndex: Int?
    var isDecoding: Bool
    /// The draft tokens behind the last item; their logits follow `logitsIndex`.
    var draft: [Int32] = []
}
