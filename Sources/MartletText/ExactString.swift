internal import MartletPlatform

/// A string that is compared by its bytes.
///
/// Swift compares strings by canonical equivalence: `"caf\u{E9}" == "cafe\u{301}"` is true. Clients that use these two
/// texts as labels mean two labels, and a JSON object with both as keys has two members. Therefore this type is the key
/// and element of dictionaries and sets whose texts come from outside: ids, labels, names of models and tools, JSON
/// keys, stop strings. For a single comparison, use `hasSameBytes(as:)`.
package struct ExactString: Sendable, Hashable, Comparable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The string itself.
    package let text: String

    /// Wraps a string.
    package init(_ text: some StringProtocol) { self.text = String(text) }

    package init(stringLiteral value: String) { text = value }

    package var description: String { text }

    /// Compares the UTF-8 bytes.
    package static func == (left: ExactString, right: ExactString) -> Bool { left.text.hasSameBytes(as: right.text) }

    /// Hashes the UTF-8 bytes.
    package func hash(into hasher: inout Hasher) {
        let isContiguous: Void? = text.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if isContiguous == nil { for byte in text.utf8 { hasher.combine(byte) } }
        // A byte that UTF-8 never has ends the text, so that ("a", "bc") and ("ab", "c") hash differently.
        hasher.combine(0xFF as UInt8)
    }

    /// The order of the bytes, which is the order of code points.
    package static func < (left: ExactString, right: ExactString) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }
}

extension StringProtocol {
    /// Whether two strings have the same UTF-8 bytes.
    ///
    /// - Complexity: O(n); one `memcmp` for native strings.
    package func hasSameBytes(as other: some StringProtocol) -> Bool {
        let isSame = utf8.withContiguousStorageIfAvailable { left in
            other.utf8.withContiguousStorageIfAvailable { right -> Bool in
                guard left.count == right.count else { return false }
                guard let one = left.baseAddress, let another = right.baseAddress else { return true }
                return memcmp(one, another, left.count) == 0
            }
        }
        return (isSame ?? nil) ?? utf8.elementsEqual(other.utf8)
    }

    /// Whether the first bytes are those of `prefix`, also if a combining character follows.
    package func hasBytes(ofPrefix prefix: some StringProtocol) -> Bool { utf8.starts(with: prefix.utf8) }
}

extension Sequence where Element: StringProtocol {
    /// Whether an element has the same bytes as `text`.
    package func containsBytes(of text: some StringProtocol) -> Bool { contains { $0.hasSameBytes(as: text) } }
}

extension Dictionary where Key == ExactString {
    /// The value of a key, by its bytes.
    package subscript(key: String) -> Value? {
        get { self[ExactString(key)] }
        set { self[ExactString(key)] = newValue }
    }

    /// The value of a key, by its bytes, or a default.
    package subscript(key: String, default value: @autoclosure () -> Value) -> Value {
        get { self[ExactString(key), default: value()] }
        set { self[ExactString(key)] = newValue }
    }

    /// Removes a key, by its bytes.
    package mutating func removeValue(forKey key: String) -> Value? { removeValue(forKey: ExactString(key)) }
}

extension Set where Element == ExactString {
    /// The set of some strings; equal bytes are one element.
    package init(_ texts: some Sequence<String>) { self.init(texts.lazy.map { ExactString($0) }) }

    /// Whether the set has a string with the same bytes.
    package func contains(_ text: String) -> Bool { contains(ExactString(text)) }

    /// Adds a string.
    ///
    /// - Returns: whether the set did not have it.
    @discardableResult
    package mutating func insert(_ text: String) -> Bool { insert(ExactString(text)).inserted }
}
