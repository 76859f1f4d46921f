import Foundation

/// Writes small GGUF files with metadata and tensors of any shape.
struct SampleModel {
    private var metadata: [[UInt8]] = []
    private var tensors: [[UInt8]] = []
    private var dataByteCount = 0

    init(_ architecture: String = "llama", name: String? = nil) {
        text("general.architecture", architecture)
        if let name { text("general.name", name) }
    }

    private static func number(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private static func string(_ text: String) -> [UInt8] { number(UInt64(text.utf8.count)) + Array(text.utf8) }

    mutating func text(_ key: String, _ value: String) {
        metadata.append(Self.string(key) + Self.number(UInt32(8)) + Self.string(value))
    }

    mutating func integer(_ key: String, _ value: UInt32) {
        metadata.append(Self.string(key) + Self.number(UInt32(4)) + Self.number(value))
    }

    mutating func bool(_ key: String, _ value: Bool) {
        metadata.append(Self.string(key) + Self.number(UInt32(7)) + [value ? 1 : 0])
    }

    mutating func integers(_ key: String, _ values: [Int32]) {
        metadata.append(
            Self.string(key) + Self.number(UInt32(9)) + Self.number(UInt32(5)) + Self.number(UInt64(values.count))
                + values.flatMap { Self.number($0) })
    }

    mutating func texts(_ key: String, _ values: [String]) {
        metadata.append(
            Self.string(key) + Self.number(UInt32(9)) + Self.number(UInt32(8)) + Self.number(UInt64(values.count))
                + values.flatMap { Self.string($0) })
    }

    /// Adds a tensor of 32-bit floats.
    mutating func tensor(_ name: String, _ dimensions: Int64...) {
        let offset = (dataByteCount + 31) / 32 * 32
        tensors.append(
            Self.string(name) + Self.number(UInt32(dimensions.count)) + dimensions.flatMap { Self.number($0) }
                + Self.number(UInt32(0)) + Self.number(UInt64(offset)))
        dataByteCount = offset + Int(dimensions.reduce(1, *)) * 4
    }

    var bytes: [UInt8] {
        var bytes = Array("GGUF".utf8) + Self.number(UInt32(3)) + Self.number(UInt64(tensors.count))
        bytes += Self.number(UInt64(metadata.count)) + (metadata + tensors).joined()
        while bytes.count % 32 != 0 { bytes.append(0) }
        return bytes + [UInt8](repeating: 0, count: dataByteCount)
    }

    /// A folder that is removed after `body`.
    static func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "models-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    /// Writes bytes to a path, and creates its folders.
    static func write(_ bytes: [UInt8], _ path: String) throws {
        let url = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }
}
