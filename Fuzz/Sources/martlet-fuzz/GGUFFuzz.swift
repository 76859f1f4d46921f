import MartletGGUF

/// A model file is refused, or everything that its header promises lies within it.
enum GGUFFuzz {
    static func run(_ input: [UInt8]) -> CInt {
        guard let header = try? GGUFHeader(GGUFBytes(input)) else { return CorpusDecision.accept }
        let length = UInt64(input.count)
        precondition(header.tensorCount == 0 || header.dataOffset <= length, "tensors begin beyond the end")
        precondition(header.metadata.count <= input.count, "more metadata than bytes")
        if let split = header.split { precondition(split.number < split.count, "a part beyond the last") }
        if let vector = try? GGUFControlVector(GGUFBytes(input)) {
            precondition(!vector.directions.isEmpty, "a control vector without a direction")
            for (layer, direction) in vector.directions {
                precondition(layer > 0 && direction.count == vector.length, "a direction of another length")
            }
        }
        return CorpusDecision.accept
    }
}
