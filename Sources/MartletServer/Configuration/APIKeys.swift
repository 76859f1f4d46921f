internal import Crypto
internal import MartletStreams

/// The accepted API keys. Memory holds only their SHA-256 hashes.
package struct APIKeys: Sendable, ExpressibleByArrayLiteral {
    private struct Entry: Sendable {
        var digest: [UInt8]
        var label: String
        var mayRaisePriority = false
    }
    private var entries: [Entry] = []

    package init(_ keys: [String] = []) {
        for key in keys { append(key) }
    }

    package init(arrayLiteral elements: String...) { self.init(elements) }

    /// Adds a key.
    /// - Parameter label: the key's name in logs; by default the first 8 hexadecimal digits of its SHA-256.
    package mutating func append(_ key: String, label: String? = nil) {
        let digest = Self.digest(key)
        entries.append(Entry(digest: digest, label: label ?? Self.label(of: digest)))
    }

    /// Allows requests with a key to have a priority above 0.
    /// - Returns: whether the key is known.
    package mutating func allowPriority(_ key: String) -> Bool {
        let digest = Self.digest(key)
        let known = entries.indices.filter { entries[$0].digest == digest }
        for index in known { entries[index].mayRaisePriority = true }
        return !known.isEmpty
    }

    /// Adds the keys of a file's text: one per line, optionally followed by ` #` and a label. Empty lines and lines
    /// that
    /// begin with `#` are ignored.
    /// - Returns: the number of keys.
    package mutating func append(lines text: String) -> Int {
        var count = 0
        // Scalars and not characters: a combining scalar at the beginning of a key would hide the character before it.
        for line in text.unicodeScalars.split(whereSeparator: { Character($0).isNewline }) {
            let line = Self.trimmed(line)
            guard let first = line.first, first != "#" else { continue }
            let comment = line.firstRange(of: " #".unicodeScalars)
            let label = comment.map { String(Self.trimmed(line[$0.upperBound...])) } ?? ""
            append(
                String(Self.trimmed(comment.map { line[..<$0.lowerBound] } ?? line)), label: label.isEmpty ? nil : label
            )
            count += 1
        }
        return count
    }

    /// Whether requests need no key.
    package var isEmpty: Bool { entries.isEmpty }

    /// The label, the owner and the right of a key; nil if the key is unknown.
    ///
    /// The time does not depend on the key, so it reveals nothing about the accepted ones.
    func match(_ key: String) -> (label: String, owner: Owner, mayRaisePriority: Bool)? {
        let candidate = Self.digest(key)
        var found: Entry?
        for entry in entries {
            var difference: UInt8 = 0
            for index in candidate.indices { difference |= entry.digest[index] ^ candidate[index] }
            if difference == 0 { found = entry }
        }
        return found.map {
            ($0.label, Owner(rawValue: Self.hexadecimal(candidate[...])), $0.mayRaisePriority)
        }
    }

    private static func digest(_ key: String) -> [UInt8] {
        var hash = SHA256()
        Array(key.utf8).withUnsafeBytes { hash.update(bufferPointer: $0) }
        return Array(hash.finalize())
    }

    private static func label(of digest: [UInt8]) -> String {
        hexadecimal(digest.prefix(4))
    }

    private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The text without white space at both ends.
    private static func trimmed(_ text: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView {
        var text = text.drop { $0.properties.isWhitespace }
        while let last = text.last, last.properties.isWhitespace { text.removeLast() }
        return text
    }
}
