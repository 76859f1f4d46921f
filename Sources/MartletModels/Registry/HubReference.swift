/// A model of a repository: `org/name` with an optional quantization behind a colon.
///
/// Example: `ggml-org/Qwen3-0.6B-GGUF:Q8_0`.
package struct HubReference: Sendable, Equatable, CustomStringConvertible {
    /// `org/name`.
    package let repository: String
    /// In upper case; `nil` = not stated.
    package let quantization: String?

    /// Creates a reference.
    ///
    /// - Precondition: `repository` follows the rule of `init(_:)`.
    package init(repository: String, quantization: String?) {
        self.repository = repository
        self.quantization = quantization
    }

    /// Parses a reference.
    ///
    /// Letters, digits and `_` are allowed, and between them `.`, `-` and exactly one `/`. Two special characters never
    /// meet, so that no name is a path to another folder.
    ///
    /// - Returns: `nil` if the text breaks the rule.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, name.utf8.count <= ModelName.maximumByteCount, Self.isRepository(name) else {
            return nil
        }
        repository = String(name)
        guard parts.count == 2 else {
            quantization = nil
            return
        }
        let tag = parts[1].uppercased()
        guard !tag.isEmpty, tag.utf8.count <= 64, tag.utf8.allSatisfy({ Self.isWord($0) || $0 == 0x2D || $0 == 0x2E })
        else { return nil }
        quantization = tag
    }

    private static func isRepository(_ name: Substring) -> Bool {
        var slashCount = 0
        var wasSpecial = true
        for byte in name.utf8 {
            if isWord(byte) {
                wasSpecial = false
            } else if [0x2F, 0x2D, 0x2E].contains(byte), !wasSpecial {
                slashCount += byte == 0x2F ? 1 : 0
                wasSpecial = true
            } else {
                return false
            }
        }
        return !wasSpecial && slashCount == 1
    }

    /// Whether the byte is an ASCII letter, a digit or `_`.
    private static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
    }

    package var description: String { repository + (quantization.map { ":" + $0 } ?? "") }
}
