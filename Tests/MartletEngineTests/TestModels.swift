import Foundation

/// The models that tests run with.
enum TestModels {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The demo model, which is part of the project.
    static let fledgling = root.appending(path: "Models/fledgling.Q8_0.gguf").path

    /// Models with random weights and other kinds of KV cache; the set-up makes them if it can.
    static func random(_ name: String) -> String {
        root.appending(path: ".deps/test-models/\(name).gguf").path
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// The vocabulary of Qwen 2, in a folder next to the project.
    static let qwenVocabulary = root.deletingLastPathComponent()
        .appending(path: "shared/random-models/qwen2-vocab.gguf").path
}
