import CLlama
import MartletPlatform

extension Context {
    /// The part of a sequence's state that is saved or restored.
    package enum StatePart: Sendable {
        /// All layers.
        case whole
        /// The layers that cannot be cut: recurrent layers, and layers with a sliding window. The state of a model
        /// without such layers is empty.
        case uncuttable

        fileprivate var flags: llama_state_seq_flags {
            switch self {
            case .whole: UInt32(LLAMA_STATE_SEQ_FLAGS_NONE)
            case .uncuttable: UInt32(LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY)
            }
        }
    }

    /// The number of bytes that `save` would copy.
    package mutating func stateByteCount(of sequence: Int, _ part: StatePart = .whole) -> Int {
        llama_state_seq_get_size_ext(pointer, Int32(sequence), part.flags)
    }

    /// Copies the state of `sequence` in the format that `restore` reads.
    ///
    /// - Parameter byteCount: the result of `stateByteCount`, if the caller has it: libllama walks over all cells to find
    ///   it.
    /// - Complexity: one copy of the state; a GPU's memory is read.
    package mutating func save(
        _ sequence: Int, _ part: StatePart = .whole, byteCount: Int? = nil
    ) throws(LlamaError) -> [UInt8] {
        let size = byteCount ?? stateByteCount(of: sequence, part)
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            LargePages.advise(UnsafeMutableRawBufferPointer(buffer))
            let written = llama_state_seq_get_data_ext(pointer, buffer.baseAddress, size, Int32(sequence), part.flags)
            count = min(written, size)
        }
        guard !bytes.isEmpty else {
            throw LlamaError(.stateFailed, "The state of sequence \(sequence) cannot be saved.")
        }
        return bytes
    }

    /// Replaces the state of `sequence`, or a part of it, by bytes that `save` wrote with a context of the same model
    /// and types.
    ///
    /// libllama does not check the bytes beyond their sizes, so they must be those that were saved. After
    /// `.uncuttable` the other layers still have all their tokens: cut the sequence to the position of the state.
    ///
    /// - Throws: `stateFailed`; the sequence must then be removed as a whole.
    package mutating func restore(
        _ sequence: Int, _ part: StatePart = .whole, from bytes: [UInt8]
    ) throws(LlamaError) {
        let read = bytes.withUnsafeBufferPointer {
            llama_state_seq_set_data_ext(pointer, $0.baseAddress, $0.count, Int32(sequence), part.flags)
        }
        guard read > 0 else {
            throw LlamaError(.stateFailed, "A state of \(bytes.count) bytes does not fit sequence \(sequence).")
        }
    }
}
