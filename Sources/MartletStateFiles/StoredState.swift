/// The cached state of one prefix in the form in which a file has it: a disk tier's entry or a saved slot.
///
/// Example: a conversation of 2,000 tokens is one `StoredState` with 2,000 items, the bytes that libllama saved for its
/// sequence, and the checkpoints that were made at the beginnings of its messages.
package struct StoredState: Sendable, Equatable {
    /// The adapters that the state was computed with, and the scope of the requests that may use it.
    package struct Key: Sendable, Hashable {
        /// An adapter by its index among the adapters of the engine, and the bits of its scale.
        package struct Adapter: Sendable, Hashable {
            package var index: UInt32
            package var scaleBits: UInt32

            package init(index: UInt32, scaleBits: UInt32) {
                self.index = index
                self.scaleBits = scaleBits
            }
        }
        package var scope: UInt64
        package var adapters: [Adapter]

        package init(scope: UInt64, adapters: [Adapter] = []) {
            self.scope = scope
            self.adapters = adapters
        }
    }

    /// The state of layers that cannot be cut, after the first `itemCount` items.
    package struct Checkpoint: Sendable, Equatable {
        package var itemCount: Int
        package var bytes: [UInt8]

        package init(itemCount: Int, bytes: [UInt8]) {
            self.itemCount = itemCount
            self.bytes = bytes
        }
    }

    package var key: Key
    /// The tokens of the prefix.
    package var items: [Int32]
    /// The first position of the sequence that libllama had cells for. It is above 0 only with a sliding window.
    package var firstPosition: Int
    /// Whether the entry belongs to the pinned cache class.
    package var isPinned: Bool
    /// The whole state of the sequence, after all items.
    package var state: [UInt8]
    /// Ascending by `itemCount`, without duplicates.
    package var checkpoints: [Checkpoint]

    package init(
        key: Key, items: [Int32], firstPosition: Int = 0, isPinned: Bool = false, state: [UInt8],
        checkpoints: [Checkpoint] = []
    ) {
        self.key = key
        self.items = items
        self.firstPosition = firstPosition
        self.isPinned = isPinned
        self.state = state
        self.checkpoints = checkpoints
    }

    /// The number of bytes of the state and of all checkpoints.
    package var byteCount: Int { checkpoints.reduce(state.count) { $0 + $1.bytes.count } }
}

/// Identifies everything outside of a `StoredState` that its bytes depend on: the model file, the parameters of the
/// context, the adapters and the build of libllama. A state is only restored where the fingerprint is the same.
package struct StateFingerprint: Sendable, Hashable {
    /// The number of bytes, which is that of a SHA-256.
    package static let byteCount = 32
    package let bytes: [UInt8]

    /// - Parameter bytes: exactly `byteCount` bytes.
    package init?(bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// The first eight bytes in hexadecimal digits, for names of files.
    package var prefix: String { StateFileName.hexadecimal(bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }) }
}
