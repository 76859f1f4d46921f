import CLlama
import MartletGGUF

/// The weighted sum of control vectors.
package struct ControlVector: Sendable, Equatable {
    /// The number of elements per layer.
    private var length = 0
    /// The directions of the layers from 1 on, adjacent.
    private var values: [Float] = []
    /// The layers that the vector applies to.
    private var layers: ClosedRange<Int>

    /// Reads and adds the files.
    ///
    /// - Parameters:
    ///   - files: GGUF files with their weights; at least one.
    ///   - layers: the layers that the vector applies to; `nil` = all.
    /// - Throws: if a file is not a control vector, or not one for `model`.
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
    /// Adds the vector to the results of its layers, from the next decode on.
    package mutating func apply(_ vector: ControlVector) throws(LlamaError) {
        guard vector.apply(to: pointer) else {
            throw LlamaError(.loadFailed, "The control vectors cannot be applied to this model.")
        }
    }
}
