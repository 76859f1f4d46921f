import CLlama

/// What kind of token an entry of a vocabulary is.
package struct TokenAttributes: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let unknown = Self(rawValue: UInt32(LLAMA_TOKEN_ATTR_UNKNOWN.rawValue))
    package static let control = Self(rawValue: UInt32(LLAMA_TOKEN_ATTR_CONTROL.rawValue))
    package static let userDefined = Self(rawValue: UInt32(LLAMA_TOKEN_ATTR_USER_DEFINED.rawValue))
    package static let byte = Self(rawValue: UInt32(LLAMA_TOKEN_ATTR_BYTE.rawValue))
    package static let stripsLeft = Self(rawValue: UInt32(LLAMA_TOKEN_ATTR_LSTRIP.rawValue))
    package static let stripsRight = Self(rawValue: UInt32(LLAMA_TOKEN_ATTR_RSTRIP.rawValue))
    /// Ends a generation: not an attribute of libllama's but kept with them.
    package static let endOfGeneration = Self(rawValue: 1 << 31)

    /// Tokens without text of their own in an answer.
    package static let hidden: Self = [.unknown, .control]
    /// Tokens that are cut out of a text before it is tokenized.
    package static let special: Self = [.unknown, .control, .userDefined]
}
