import Foundation
import MartletGGUF

/// The demo model with other numbers in its last normalization, so that none of its logits is a number.
struct DamagedModel {
    let path: String

    /// Writes the model.
    ///
    /// - Parameter value: the new value of every factor of the normalization.
    init(_ value: Float) throws {
        var bytes = try Data(contentsOf: URL(filePath: TestModels.fledgling))
        let header = try GGUFFile.check(TestModels.fledgling)
        let name = Data("output_norm.weight".utf8)
        guard let found = bytes.range(of: name) else { throw CocoaError(.fileReadCorruptFile) }
        // The name is followed by the number of dimensions, each dimension, the type and the offset.
        func number<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int) -> Int {
            (0..<MemoryLayout<Number>.size).reduce(0) { $0 | Int(bytes[found.upperBound + offset + $1]) << (8 * $1) }
        }
        let dimensions = number(UInt32.self, at: 0)
        let count = (0..<dimensions).reduce(1) { $0 * number(UInt64.self, at: 4 + 8 * $1) }
        // 0 = 32-bit floats.
        guard number(UInt32.self, at: 4 + 8 * dimensions) == 0 else { throw CocoaError(.fileReadCorruptFile) }
        let start = Int(header.dataOffset) + number(UInt64.self, at: 8 + 8 * dimensions)
        for index in 0..<count {
            withUnsafeBytes(of: value.bitPattern.littleEndian) {
                bytes.replaceSubrange(start + 4 * index..<start + 4 * index + 4, with: $0)
            }
        }
        path = FileManager.default.temporaryDirectory.appending(path: "damaged-\(UUID()).gguf").path
        try bytes.write(to: URL(filePath: path))
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
