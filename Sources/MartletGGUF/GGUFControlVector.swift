/// A control vector: for some layers of a model, a direction that is added to the layer's output.
///
/// The file has a tensor `direction.N` of 32-bit floats for layer N, from 1 on. Layers may be missing.
package struct GGUFControlVector: Sendable, Equatable {
    /// The number of elements of each direction; the embedding length of the model.
    package private(set) var length = 0
    /// The directions by layer.
    package private(set) var directions: [Int: [Float]] = [:]

    /// The number of layers that libllama supports.
    private static let layerLimit = 512
    private static let lengthLimit: UInt64 = 1 << 20
    private static let float32: UInt32 = 0

    /// Reads a control vector.
    ///
    /// - Throws: a predicate that follows the file's name, e.g. "has no direction, so it is no control vector".
    package init(_ source: some GGUFSource) throws(GGUFError) {
        let header = try GGUFHeader(source)
        guard let first = header.tensors.first else { throw GGUFError("has no direction, so it is no control vector") }
        guard header.tensorByteCount <= source.length else { throw .broken("its directions overlap") }
        let length = first.dimensions.first ?? 0
        self.length = Int(min(length, Self.lengthLimit))
        var source = source
        for tensor in header.tensors {
            let layer = try Self.layer(of: tensor)
            guard tensor.typeNumber == Self.float32, tensor.dimensions.count == 1 else {
                throw GGUFError("has '\(tensor.name)' in another form than one row of 32-bit floats")
            }
            guard tensor.dimensions == [length], length <= Self.lengthLimit else {
                throw GGUFError(
                    "has '\(tensor.name)' with \(tensor.dimensions.first ?? 0) numbers; all directions must have the same "
                        + "count, at most \(Self.lengthLimit)")
            }
            let bytes = try source.read(at: header.dataOffset + tensor.offset, count: Int(tensor.byteCount))
            guard bytes.count == Int(tensor.byteCount) else {
                throw .truncated(length: source.length, needed: header.dataOffset + tensor.offset + tensor.byteCount)
            }
            try add(Self.floats(bytes), layer: layer, name: tensor.name)
        }
    }

    /// The layer that a tensor's name states.
    private static func layer(of tensor: GGUFTensor) throws(GGUFError) -> Int {
        let prefix = "direction."
        guard tensor.name.hasPrefix(prefix), let layer = Int(tensor.name.dropFirst(prefix.count)) else {
            throw GGUFError("has the tensor '\(tensor.name)', so it is no control vector")
        }
        guard (1..<layerLimit).contains(layer) else {
            throw GGUFError("has '\(tensor.name)'; layers are 1 to \(layerLimit - 1)")
        }
        return layer
    }

    /// Adds a direction. `direction.1` and `direction.01` name the same layer, whose directions are added, as in
    /// libllama.
    private mutating func add(_ direction: [Float], layer: Int, name: String) throws(GGUFError) {
        guard direction.allSatisfy(\.isFinite) else {
            throw GGUFError("has '\(name)' with numbers that are not finite")
        }
        directions[layer] = directions[layer].map { zip($0, direction).map(+) } ?? direction
    }

    /// The little-endian floats of some bytes.
    private static func floats(_ bytes: [UInt8]) -> [Float] {
        bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map { offset in
                Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            }
        }
    }
}
