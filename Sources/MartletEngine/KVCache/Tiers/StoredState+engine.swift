import MartletProtocol
import MartletStateFiles

extension StoredState.Key {
    /// The key of a file for a key of the KV cache.
    init(_ key: PrefixKey) {
        self.init(
            scope: key.scope,
            adapters: key.adapters.map { .init(index: UInt32($0.index), scaleBits: $0.scale.bitPattern) })
    }

    /// The key of the KV cache that a file was written under.
    var prefixKey: PrefixKey {
        PrefixKey(
            scope: scope,
            adapters: adapters.map { AdapterScale(index: Int($0.index), scale: Float(bitPattern: $0.scaleBits)) })
    }
}

extension TierIndex.Entry where Payload == StoredState {
    /// The entry of a RAM tier for a state.
    init(_ stored: StoredState) {
        self.init(
            key: stored.key.prefixKey, items: stored.items, checkpoints: stored.checkpoints.map(\.itemCount),
            firstPosition: stored.firstPosition, byteCount: stored.byteCount + stored.items.count * 4,
            isPinned: stored.isPinned, payload: stored)
    }
}

extension TierIndex.Entry where Payload == StateFileName {
    /// The entry of a disk tier for the head of a file.
    init(_ head: StateFileHead, _ name: StateFileName) {
        self.init(
            key: head.key.prefixKey, items: head.items, checkpoints: head.checkpoints,
            firstPosition: head.firstPosition, byteCount: head.byteCount, isPinned: head.isPinned, payload: name)
    }
}

extension StoredState {
    /// Whether the state can be in a file. The code of a media item names the item only in this process.
    var canBeWritten: Bool { items.allSatisfy { $0 >= 0 } }
}
