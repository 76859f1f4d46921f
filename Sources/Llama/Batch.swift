import CLlama

/// The tokens of one decode, in memory that is reused for every decode.
package struct Batch: ~Copyable {
    package let capacity: Int
    private var batch: llama_batch

    package init(capacity: Int) {
        self.capacity = capacity
        batch = llama_batch_init(Int32(capacity), 0, 1)
    }

    deinit {
        llama_batch_free(batch)
    }

    package var count: Int { Int(batch.n_tokens) }

    /// Removes all tokens; the capacity stays.
    package mutating func removeAll() { batch.n_tokens = 0 }

    /// Adds one token.
    ///
    /// - Returns: the index of the token in the batch. Its logits are read at this index if `wantsLogits`.
    /// - Precondition: `count < capacity`.
    @discardableResult
    package mutating func add(token: Int32, position: Int, sequence: Int, wantsLogits: Bool) -> Int {
        let index = count
        precondition(index < capacity, "a batch of \(capacity) tokens is full")
        batch.token[index] = token
        batch.pos[index] = Int32(position)
        batch.n_seq_id[index] = 1
        batch.seq_id[index]?[0] = Int32(sequence)
        batch.logits[index] = wantsLogits ? 1 : 0
        batch.n_tokens += 1
        return index
    }

    /// The C structure. Valid only during one call of libllama.
    var raw: llama_batch { batch }
}
