import MartletJSON
import MartletSchema
import OrderedCollections

/// Parses a value that is written as nested tags, each behind a prefix (MiniMax M3).
///
///     ]<]minimax[>[<days>]<]minimax[>[<item>1]<]minimax[>[</item>]<]minimax[>[</days>   ->   [1]
///
/// The parser begins behind the value's own opening tag. It buffers the whole value: only the closing tag shows
/// whether `1` is an item, a member or text. So these arguments are not streamed.
struct NestedValueParser: Sendable {
    /// The result of a byte.
    enum Step {
        case more
        case done
        case failed
    }
    /// A tag with its text or its children.
    private struct Element: Sendable {
        var key = ""
        var text: [UInt8] = []
        var children: [Element] = []
    }
    /// Most nested tags.
    private static let maximumDepth = 64
    /// Most bytes of a tag.
    private static let maximumTag = 1_024

    private let prefix: DelimiterMatcher
    private let prefixBytes: [UInt8]
    /// The number of bytes of the prefix with which the input ends.
    private var matched = 0
    /// The open elements, the outermost first.
    private var open = [Element()]
    /// The bytes of the current tag; nil outside tags.
    private var tag: [UInt8]?

    init(prefix: [UInt8]) {
        self.prefix = DelimiterMatcher(prefix)
        prefixBytes = prefix
    }

    /// Consumes a byte. `failed` = the nesting or a tag is beyond its limit, or the prefix is not followed by a tag.
    mutating func consume(_ byte: UInt8) -> Step {
        guard tag == nil else { return consumeTag(byte) }
        let before = matched
        matched = prefix.next(after: matched, byte)
        if matched == prefix.length {
            matched = 0
            tag = []
        } else if matched <= before {
            let bytes = prefixBytes[..<before] + [byte]
            open[open.count - 1].text.append(contentsOf: bytes.prefix(before + 1 - matched))
        }
        return .more
    }

    /// Consumes a byte of a tag.
    private mutating func consumeTag(_ byte: UInt8) -> Step {
        guard byte == UInt8(ascii: ">") else {
            tag?.append(byte)
            return (tag?.count ?? 0) <= Self.maximumTag ? .more : .failed
        }
        let name = tag ?? []
        tag = nil
        guard name.first == UInt8(ascii: "<") else { return .failed }
        if name.dropFirst().first != UInt8(ascii: "/") {
            guard open.count < Self.maximumDepth else { return .failed }
            open.append(Element(key: String(decoding: name.dropFirst(), as: UTF8.self)))
            return .more
        }
        if open.count == 1 { return .done }
        let element = open.removeLast()
        open[open.count - 1].children.append(element)
        return .more
    }

    /// The value as JSON. `location` in the schema decides the type where the text does not.
    func json(at location: SchemaLocation) -> [UInt8] {
        var bytes: [UInt8] = []
        Self.write(open[0], location, to: &bytes)
        return bytes
    }

    /// Writes an element. Children named `item` are a list if the schema allows one, else members of an object.
    private static func write(_ element: Element, _ location: SchemaLocation, to bytes: inout [UInt8]) {
        if element.children.isEmpty {
            bytes.append(contentsOf: leaf(element.text, location.types))
            return
        }
        let isList = location.types.contains(.array) && element.children.allSatisfy { $0.key == "item" }
        bytes.append(UInt8(ascii: isList ? "[" : "{"))
        for (index, child) in element.children.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            if !isList {
                JSONText.appendString(child.key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
            }
            write(child, isList ? location.item : location.member(child.key), to: &bytes)
        }
        bytes.append(UInt8(ascii: isList ? "]" : "}"))
    }

    /// Writes a text. An empty text is `null`, `{}` or `[]` if the schema allows no string.
    private static func leaf(_ text: [UInt8], _ types: JSONTypes) -> [UInt8] {
        guard text.isEmpty, !types.contains(.string) else { return ArgumentText.json(text, as: types) }
        return Array((types.contains(.null) ? "null" : types.contains(.object) ? "{}" : "[]").utf8)
    }
}
