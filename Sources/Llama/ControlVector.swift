import CLlama
import MartletGGUF

/// The sum of control vectors, each in a strength of its own, as a context applies it.
package struct ControlVector: Sendable, Equatable {
    /// Numbers of one layer's direction.
    private var length = 0
    /// Directions of the layers from 1 on, one behind the other.
    private var values: [Float] = []
    /// Layers that feel it.
    private var layers: ClosedRange<Int>

    /// - Parameters:
    ///   - files: GGUF files with the strength of each; at least one.
    ///   - layers: `nil` = all.
    /// - Throws: when a file is no control vector, or none for `model`.
    package init(
        files: [(path: String, scale: Float)], layers: ClosedRange<Int>?, for model: Model
    ) throws(LlamaError) {
        self.layers = layers ?? 1...max(1, model.layerCount)
        length = model.embeddingLength
        for file in files {
            let vector: GGUFControlVector
            do {
                vector = try GGUFFile.controlVector(file.path)
            } catch {
                throw LlamaError(.loadFailed, "The control vector \(file.path) \(error).")
            }
            guard vector.length == length else {
                throw LlamaError(
                    .loadFailed,
                    "The control vector \(file.path) has \(vector.length) numbers for a layer, and the model \(length)."
                )
            }
            for (layer, direction) in vector.directions {
                let begin = (layer - 1) * length
                let missing = begin + length - values.count
                if missing > 0 { values += repeatElement(0, count: missing) }
                for (index, value) in direction.enumerated() { values[begin + index] += value * file.scale }
            }
        }
    }

    func apply(to context: OpaquePointer) -> Bool {
        llama_set_adapter_cvec(
            context, values, values.count, Int32(length), Int32(layers.lowerBound), Int32(layers.upperBound)) == 0
    }
}

extension Context {
    /// Adds the vector to what layers compute, from the next decode on.
    package mutating func apply(_ vector: ControlVector) throws(LlamaError) {
        guard vector.apply(to: pointer) else {
            throw LlamaError(.loadFailed, "The control vectors cannot be applied to this model.")
        }
    }
}
