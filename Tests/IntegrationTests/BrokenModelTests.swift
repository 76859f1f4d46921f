import Foundation
import SystemPackage
import Testing

/// A model file whose head is in order, and whose computation trips an assertion of libllama.
@Suite(.timeLimit(.minutes(15))) struct BrokenModelTests {
    /// The demo model with integers where its last normalization has floats: as many bytes, and no kernel for them.
    private static func write(to path: String) throws {
        let model = MartletProcess.repository.appending("Models/fledgling.Q8_0.gguf")
        var bytes = try Data(contentsOf: URL(filePath: model.string))
        let name = try #require(bytes.range(of: Data("output_norm.weight".utf8)))
        // Behind the name: the number of dimensions, which is 1, the dimension, and the type. 0 = F32, 26 = I32.
        let type = name.upperBound + 12
        try #require(bytes[name.upperBound] == 1 && bytes[type] == 0)
        bytes[type] = 26
        try bytes.write(to: URL(filePath: path))
    }

    @Test func anAssertionOfTheModelEndsTheServerWithItsTextAfterThreeTries() async throws {
        let path = NSTemporaryDirectory() + "/broken-\(UUID()).gguf"
        try Self.write(to: path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let result = try await MartletProcess.run(["serve", "--port", "0", "--no-journal", "--model", path])
        #expect(result.status == 1)
        let lines = result.error.split(separator: "\n").filter { $0.contains("binary_op: unsupported types") }
        #expect(lines.count == 1, "\(result.error)")
        let line = lines.first ?? ""
        for text in ["broken", "SIGABRT", "before the model was ready, 3 times in a row"] {
            #expect(line.contains(text), "\(line)")
        }
    }
}
