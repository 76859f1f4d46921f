internal import MartletPlatform

/// A string that equals another if both have the same bytes.
///
/// Swift's `String` equals another by canonical equivalence: `"caf\u{E9}" == "cafe\u{301}"` is true. Two clients that
/// use these texts as labels mean two labels, and an object with both as keys has two members. So this type is the key
/// and the element wherever a text from outside is one: ids, labels, names of models and tools, keys of JSON, stop
/// texts. For a single comparison, `hasSameBytes(as:)` is the same rule.
package struct ExactString: Sendable, Hashable, Comparable, ExpressibleByStringLiteral, CustomStringConvertible {
    package let text: String

    package init(_ text: some StringProtocol) { self.text = String(text) }

    package init(stringLiteral value: String) { text = value }

    package var description: String { text }

    package static func == (left: ExactString, right: ExactString) -> Bool { left.text.hasSameBytes(as: right.text) }

    package func hash(into hasher: inout Hasher) {
        let isContiguous: Void? = text.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if isContiguous == nil { for byte in text.utf8 { hasher.combine(byte) } }
        // Ends the text, so that two texts in a row are not the same as two others with the same bytes.
        hasher.combine(0xFF as UInt8)
    }

    /// By bytes, which is the order of code points.
    package static func < (left: ExactString, right: ExactString) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }
}

extension StringProtocol {
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

    /// Whether the first bytes are those of `prefix`, also where a combining character follows.
    package func hasBytes(ofPrefix prefix: some StringProtocol) -> Bool { utf8.starts(with: prefix.utf8) }
}

extension Sequence where Element: StringProtocol {
    package func containsBytes(of text: some StringProtocol) -> Bool { contains { $0.hasSameBytes(as: text) } }
}

extension Dictionary where Key == ExactString {
    package subscript(key: String) -> Value? {
        get { self[ExactString(key)] }
        set { self[ExactString(key)] = newValue }
    }

    package subscript(key: String, default value: @autoclosure () -> Value) -> Value {
        get { self[ExactString(key), default: value()] }
        set { self[ExactString(key)] = newValue }
    }

    package mutating func removeValue(forKey key: String) -> Value? { removeValue(forKey: ExactString(key)) }
}

extension Set where Element == ExactString {
    package init(_ texts: some Sequence<String>) { self.init(texts.lazy.map { ExactString($0) }) }

    package func contains(_ text: String) -> Bool { contains(ExactString(text)) }

    /// - Returns: whether it was not there.
    @discardableResult
    package mutating func insert(_ text: String) -> Bool { insert(ExactString(text)).inserted }
}
