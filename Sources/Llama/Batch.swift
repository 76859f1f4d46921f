import CLlama

/// The tokens of one decode, in memory that is used again for every decode.
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

    package mutating func removeAll() { batch.n_tokens = 0 }

    /// Adds one token.
    ///
    /// - Returns: its index, by which its logits are read if `wantsLogits`.
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

    /// Only for the duration of a call into libllama.
    var raw: llama_batch { batch }
}
