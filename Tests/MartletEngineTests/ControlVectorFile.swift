import Foundation

/// A GGUF file with a control vector. The direction of each layer is a function of `seed`.
enum ControlVectorFile {
    /// Writes the file.
    ///
    /// - Returns: the path of a new temporary file.
    static func make(layers: ClosedRange<Int>, length: Int = 192, seed: UInt32 = 1) throws -> String {
        var head = Array("GGUF".utf8) + bytes(UInt32(3)) + bytes(UInt64(layers.count)) + bytes(UInt64(1))
        head += text("general.architecture") + bytes(UInt32(8)) + text("controlvector")
        var data: [UInt8] = []
        var state = seed
        for layer in layers {
            while data.count % 32 != 0 { data.append(0) }
            head += text("direction.\(layer)") + bytes(UInt32(1)) + bytes(UInt64(length)) + bytes(UInt32(0))
            head += bytes(UInt64(data.count))
            for _ in 0..<length {
                state = state &* 1_664_525 &+ 1_013_904_223
                data += bytes((Float(state >> 16) / 65_536 - 0.5).bitPattern)
            }
        }
        while head.count % 32 != 0 { head.append(0) }
        let url = FileManager.default.temporaryDirectory.appending(path: "martlet-vector-\(UUID()).gguf")
        try Data(head + data).write(to: url)
        return url.path
    }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private static func text(_ text: String) -> [UInt8] { bytes(UInt64(text.utf8.count)) + Array(text.utf8) }
}
