import Crypto
import Llama
import MartletFiles
import MartletGGUF
import MartletStateFiles

/// Computes the fingerprint of everything that the bytes of a saved state depend on.
///
/// A model file is identified by its size and by samples of its bytes, because hashing all of a large file would take
/// longer than loading it: the first 256 KiB, which describe the model, and 256 blocks of 4 KiB at equal distances. Two
/// files that differ in training differ in every tensor.
enum ContextFingerprint {
    private static let headByteCount = 256 << 10
    private static let sampleCount = 256
    private static let sampleByteCount = 4 << 10

    /// The fingerprint of an engine's context.
    ///
    /// - Parameters:
    ///   - options: the options of the context. Sizes of the context and of batches do not matter for a state.
    ///   - files: the files whose contents matter with their scales, in their order: model, adapters, control vectors.
    /// - Throws: a file error with the path of a file that cannot be read.
    static func make(
        options: Context.Options, files: [(path: String, scale: Float)], controlLayers: ClosedRange<Int>?
    ) throws(FileError) -> StateFingerprint? {
        var hash = SHA256()
        func add(_ text: String) { hash.update(data: Array(text.utf8) + [0]) }
        add(LlamaSystem.version)
        add("\(options.keyType.rawValue) \(options.valueType.rawValue) \(options.flashAttention)")
        add("unified \(options.usesUnifiedKV) full window \(options.keepsFullWindow)")
        add("\(options.positions)")
        add("\(String(describing: controlLayers))")
        for file in files {
            add("\(file.scale)")
            for path in paths(of: file.path) {
                for block in try samples(of: path) { hash.update(data: block) }
            }
        }
        return StateFingerprint(bytes: hash.finalize())
    }

    /// The files of a model: several if it is split.
    private static func paths(of path: String) -> [String] {
        guard let header = try? GGUFFile.check(path), let split = header.split,
            let parts = try? GGUFFile.parts(path, count: split.count)
        else { return [path] }
        return parts
    }

    /// The size of a file and samples of its bytes.
    private static func samples(of path: String) throws(FileError) -> [[UInt8]] {
        let file = try OpenFile.regular(path)
        let size = file.byteCount
        var blocks = [Array("\(size)".utf8) + [0], try file.read(at: 0, count: min(size, headByteCount))]
        let rest = size - headByteCount
        guard rest > 0 else { return blocks }
        for index in 0..<sampleCount {
            let offset = headByteCount + Int(Double(rest) * Double(index) / Double(sampleCount))
            blocks.append(try file.read(at: offset, count: min(sampleByteCount, size - offset)))
        }
        return blocks
    }
}
