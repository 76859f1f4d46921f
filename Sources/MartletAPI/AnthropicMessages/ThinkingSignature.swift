import Crypto

/// The signature of a thinking block: a version and the SHA-256 of the text, so that a changed text is noticed.
///
/// It is no secret and no proof: a client may send any conversation it likes. Clients only require that a block has a
/// signature, and send it back.
enum ThinkingSignature {
    /// The result of a check.
    enum Finding: Equatable {
        /// This text was signed by a Martlet server.
        case valid
        /// A Martlet server signed another text.
        case changed
        /// Another server made the signature.
        case foreign
    }

    /// Begins every signature. The number is the version.
    private static let prefix = "martlet1."

    /// The signature of a text. Complexity: O(n).
    static func sign(_ text: [UInt8]) -> String {
        prefix + String(decoding: Base64.encode(Array(SHA256.hash(data: text))), as: UTF8.self)
    }

    /// Compares a signature with a text.
    static func check(_ signature: String, of text: String) -> Finding {
        guard signature.utf8.starts(with: prefix.utf8) else { return .foreign }
        return sign(Array(text.utf8)) == signature ? .valid : .changed
    }
}
