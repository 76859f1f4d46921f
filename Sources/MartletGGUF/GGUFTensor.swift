/// The location and shape of a tensor in a file.
package struct GGUFTensor: Sendable, Equatable {
    package var name: String
    /// The number of elements in each dimension; the first is the length of a row.
    package var dimensions: [UInt64]
    /// The type's number in the file; `GGUFTensorType` has its layout.
    package var typeNumber: UInt32
    /// The offset from the header's `dataOffset` on, in bytes.
    package var offset: UInt64
    package var byteCount: UInt64
}
