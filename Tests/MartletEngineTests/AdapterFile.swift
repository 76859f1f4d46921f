import Foundation

/// A small GGUF file with a LoRA adapter for the demo model. Its numbers are a function of `seed`.
enum AdapterFile {
    private static let rank = 4

    /// Writes the file.
    ///
    /// - Returns: the path of a new temporary file.
    static func make(seed: UInt32) throws -> String {
        let url = FileManager.default.temporaryDirectory.appending(path: "martlet-adapter-\(UUID()).gguf")
        try data(seed: seed).write(to: url)
        return url.path
    }

    private static func data(seed: UInt32) -> Data {
        let tensors = [
            ("blk.1.ffn_down.weight.lora_a", [512, rank]), ("blk.1.ffn_down.weight.lora_b", [rank, 192]),
        ]
        var file = Data("GGUF".utf8)
        file.append(UInt32(3))
        file.append(UInt64(tensors.count))
        file.append(UInt64(5))
        for (key, value) in [
            ("general.type", "adapter"), ("general.architecture", "qwen3"), ("adapter.type", "lora"),
            ("adapter.lora.task_name", "test"),
        ] {
            file.append(text: key)
            file.append(UInt32(8))
            file.append(text: value)
        }
        file.append(text: "adapter.lora.alpha")
        file.append(UInt32(6))
        file.append(Float(rank).bitPattern)
        var offset: UInt64 = 0
        for (name, shape) in tensors {
            file.append(text: name)
            file.append(UInt32(shape.count))
            for length in shape { file.append(UInt64(length)) }
            file.append(UInt32(0))
            file.append(offset)
            offset += UInt64(shape.reduce(4, *))
        }
        file.append(Data(count: (32 - file.count % 32) % 32))
        var state = seed
        for (_, shape) in tensors {
            for _ in 0..<shape.reduce(1, *) {
                state = state &* 1_664_525 &+ 1_013_904_223
                file.append((Float(state >> 16) / 65_536 - 0.5).bitPattern)
            }
        }
        return file
    }
}

extension Data {
    fileprivate mutating func append<Value: FixedWidthInteger>(_ value: Value) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    fileprivate mutating func append(text: String) {
        append(UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }
}
