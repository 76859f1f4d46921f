/// Decides where checkpoints are made, which ones are dropped, and which one is restored.
///
/// A checkpoint has the state of the layers that cannot be cut: recurrent layers, and layers with a sliding window. A
/// prompt that shares only a part of a cached prefix continues at the last checkpoint within that part. Example: a
/// client edits its last message; the checkpoint at the beginning of that message is restored, and only the message is
/// computed again. Positions count items: a checkpoint at 100 has the state after the first 100 items.
///
/// The defaults are those of llama-server.
struct CheckpointPolicy: Sendable, Equatable {
    /// The largest number of checkpoints of one prefix; 0 = none are made.
    var limit = 32
    /// The smallest distance between two checkpoints of earlier messages, in items.
    var minimumStep = 8_192
    /// The number of tokens that libllama computes at once. One checkpoint is made so far before the end of a prompt.
    var microBatchSize = 512

    /// The number of items before the end of a prompt at which its last checkpoint is made. Templates rarely change
    /// more of the end in a later turn.
    static let endDistance = 4
    /// A checkpoint near the end is not needed if another one is so close to it, in items.
    static let endSpan = 32

    /// The positions at which a chunk of a prompt ends so that a checkpoint can be made, ascending.
    ///
    /// - Parameters:
    ///   - promptCount: the number of items of the prompt.
    ///   - messageStarts: the positions at which messages begin, ascending; the last one is the message that a client
    ///     is most likely to change.
    ///   - generationPrompt: the position behind the last message, where the template's text for the reply begins.
    ///   - existing: the positions of the checkpoints that the sequence has already, ascending.
    ///   - start: the number of cached items; no checkpoint is made up to there.
    ///   - canBeginAtStart: whether a checkpoint at `start` can be made before the first chunk, so that it needs no chunk
    ///     of its own.
    /// - Returns: the positions, `start` among them if its checkpoint replaces the one near the end.
    /// - Complexity: linear in the number of messages.
    func stops(
        promptCount: Int, messageStarts: [Int], generationPrompt: Int?, existing: [Int] = [], from start: Int = 0,
        canBeginAtStart: Bool = false
    ) -> [Int] {
        guard limit > 0 else { return [] }
        var stops: [Int] = []
        for position in messageStarts.dropLast() where position > start && position < promptCount {
            let previous = stops.last ?? existing.last { $0 <= position }
            guard previous.map({ position - $0 > minimumStep }) ?? true else { continue }
            stops.append(position)
        }
        var late = [messageStarts.last, generationPrompt].compactMap { $0 }
        let last = promptCount - Self.endDistance
        var beginning: [Int] = []
        if !late.contains(where: { $0 < promptCount && promptCount - $0 <= Self.endSpan }) {
            let beginsNearEnd = start > 0 && start < promptCount && promptCount - start <= Self.endSpan
            if beginsNearEnd, canBeginAtStart { beginning = [start] } else { late.append(last) }
        }
        let early = last - microBatchSize
        // Without known messages, this one serves prompts that differ in their last part.
        if messageStarts.isEmpty { late.append(early) }
        stops += late.filter { $0 > start && $0 > 0 && $0 < promptCount } + beginning
        return Array(Set(stops).subtracting(existing)).sorted()
    }

    /// Inserts a checkpoint into an ascending list, and drops others if the list is full.
    ///
    /// A checkpoint at the same position is replaced. If the list is full, a checkpoint of an earlier prompt that is
    /// within `minimumStep` of its predecessor is dropped, or else the oldest one.
    func insert(_ new: KVCheckpoint, into checkpoints: inout [KVCheckpoint]) {
        guard limit > 0 else { return }
        checkpoints.removeAll { $0.itemCount == new.itemCount }
        while checkpoints.count >= limit {
            let dense = checkpoints.indices.dropFirst().first { index in
                checkpoints[index].prompt != new.prompt
                    && checkpoints[index].itemCount - checkpoints[index - 1].itemCount < minimumStep
            }
            checkpoints.remove(at: dense ?? 0)
        }
        let index = checkpoints.firstIndex { $0.itemCount > new.itemCount } ?? checkpoints.endIndex
        checkpoints.insert(new, at: index)
    }
}

/// The state of the layers that cannot be cut, after the first `itemCount` items of a prefix.
struct KVCheckpoint: Sendable, Equatable {
    var itemCount: Int
    var bytes: [UInt8]
    /// The number of the prompt during which the checkpoint was made.
    var prompt: UInt64 = 0
}
