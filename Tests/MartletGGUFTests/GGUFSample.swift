/// Writes small GGUF files, also malformed ones.
struct GGUFSample {
    var magic = "GGUF"
    var version: UInt32 = 3
    var metadata: [[UInt8]] = [GGUFSample.text("general.architecture", "llama")]
    var tensors: [[UInt8]] = [GGUFSample.tensor("a"), GGUFSample.tensor("b", offset: 96)]
    var metadataCount: UInt64?
    var tensorCount: UInt64?
    var alignment = 32
    /// The bytes of all tensors: two of 64 elements in blocks of Q8_0, with padding.
    var dataByteCount = 96 + 68

    var bytes: [UInt8] {
        var bytes = Array(magic.utf8) + Self.number(version)
        bytes += Self.number(tensorCount ?? UInt64(tensors.count))
        bytes += Self.number(metadataCount ?? UInt64(metadata.count))
        bytes += (metadata + tensors).joined()
        while bytes.count % alignment != 0 { bytes.append(0) }
        return bytes + [UInt8](repeating: 1, count: dataByteCount)
    }

    static func number(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    static func string(_ text: String) -> [UInt8] { number(UInt64(text.utf8.count)) + Array(text.utf8) }

    static func pair(_ key: String, kind: UInt32, _ value: [UInt8]) -> [UInt8] { string(key) + number(kind) + value }

    static func text(_ key: String, _ value: String) -> [UInt8] { pair(key, kind: 8, string(value)) }

    static func tensor(
        _ name: String, dimensions: [Int64] = [32, 2], type: UInt32 = 8, offset: UInt64 = 0
    ) -> [UInt8] {
        string(name) + number(UInt32(dimensions.count)) + dimensions.flatMap { number($0) } + number(type)
            + number(offset)
    }
}
