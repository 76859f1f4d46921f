import MartletGGUF
import MartletJSON
import MartletModels

/// A model file is refused, or everything that its header promises lies within it.
enum GGUFFuzz {
    static func run(_ input: [UInt8]) -> CInt {
        guard let header = try? GGUFHeader(GGUFBytes(input)) else { return CorpusDecision.accept }
        let length = UInt64(input.count)
        precondition(header.tensorCount == 0 || header.dataOffset <= length, "tensors begin beyond the end")
        precondition(header.metadata.count <= input.count, "more metadata than bytes")
        if let split = header.split { precondition(split.number < split.count, "a part beyond the last") }
        let shape = ModelShape(header)
        let request = LoadRequest(shape, contextLength: 0, sequenceCount: 4, available: 1 << 34)
        precondition(MemoryPlan(shape, request).total > 0, "a plan without bytes")
        precondition(ModelSummary(json: .object(ModelSummary(header).json)) == ModelSummary(header), "facts are lost")
        if let vector = try? GGUFControlVector(GGUFBytes(input)) {
            precondition(!vector.directions.isEmpty, "a control vector without a direction")
            for (layer, direction) in vector.directions {
                precondition(layer > 0 && direction.count == vector.length, "a direction of another length")
            }
        }
        return CorpusDecision.accept
    }
}
