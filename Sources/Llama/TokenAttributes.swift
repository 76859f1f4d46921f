import CLlama

/// The kind of a token of a vocabulary.
package struct TokenAttributes: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let unknown = Self(rawValue: UInt32(LLAMA_TOKEN_ATTR_UNKNOWN.rawValue))
    package static let control = Self(rawValue: UInt32(LLAMA_TOKEN_ATTR_CONTROL.rawValue))
    package static let userDefined = Self(rawValue: UInt32(LLAMA_TOKEN_ATTR_USER_DEFINED.rawValue))
    package static let byte = Self(rawValue: UInt32(LLAMA_TOKEN_ATTR_BYTE.rawValue))
    package static let stripsLeft = Self(rawValue: UInt32(LLAMA_TOKEN_ATTR_LSTRIP.rawValue))
    package static let stripsRight = Self(rawValue: UInt32(LLAMA_TOKEN_ATTR_RSTRIP.rawValue))
    /// The token ends a generation. libllama has no such attribute; it is stored with the others.
    package static let endOfGeneration = Self(rawValue: 1 << 31)

    /// Tokens without text in the output.
    package static let hidden: Self = [.unknown, .control]
    /// Tokens at which a text is split before it is tokenized.
    package static let special: Self = [.unknown, .control, .userDefined]
}
