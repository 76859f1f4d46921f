/// Where a tensor lies in a file, and its shape.
package struct GGUFTensor: Sendable, Equatable {
    package var name: String
    package var dimensions: [UInt64]
    /// As in the file; `GGUFTensorType` knows it.
    package var typeNumber: UInt32
    /// From the header's `dataOffset` on.
    package var offset: UInt64
    package var byteCount: UInt64
}
