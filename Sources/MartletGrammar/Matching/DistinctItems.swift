/// The items of the open arrays in which no two items may be equal: context that a grammar cannot express.
///
/// Follows a JSON or Python text byte by byte, from the opening bracket of such an array to its end. Items are equal by
/// the rules of JSON Schema: numbers by value, strings by content, objects in any order of members. It is a value: a
/// copy continues independently, which the look-ahead uses.
///
/// - Complexity: a byte costs O(log items) for each open array.
struct DistinctItems {
    private enum Frame { case distinct, array, object }

    /// One open array.
    private struct Level {
        /// The beginning of the open item in `text`.
        var start: Int
        /// The canonical forms of the items.
        var seen: Set<[UInt8]> = []
        /// The normalized texts of the items, in ascending order.
        var written: [[UInt8]] = []
        /// The range of `written` whose texts begin like the open item.
        var alike = 0..<0
    }

    private enum Escape {
        case none, begun
        /// After `\\u`: the number of digits so far and their value.
        case digits(Int, UInt32)
    }

    /// The open brackets from the outermost array without equal items on.
    private var frames: [Frame] = []
    /// The open arrays without equal items, the outermost first.
    private var levels: [Level] = []
    /// The normalized text of the outermost array's open item: no white space, numbers in one form, and only quotation
    /// marks and backslashes escaped.
    private var text: [UInt8] = []
    /// A number that has not ended.
    private var number: [UInt8] = []
    /// The quote that ends the open string; 0 if none is open.
    private var quote: UInt8 = 0
    private var escape = Escape.none
    /// The first half of a surrogate pair, or 0.
    private var highSurrogate: UInt32 = 0
    private let byteLimit: Int
    private var byteCount = 0
    /// Whether the items exceed the byte limit. Every further item then counts as a repetition.
    private(set) var isFull = false
    /// The number of ended items of the outermost array.
    private(set) var endedCount = 0

    /// Starts outside of such arrays.
    init(byteLimit: Int) { self.byteLimit = byteLimit }

    /// Whether such an array is open.
    var isActive: Bool { !frames.isEmpty }

    /// Whether a string is open.
    var isInString: Bool { quote != 0 }

    /// Whether an open item may still become equal to an earlier one.
    var isAtRisk: Bool { levels.contains { !$0.alike.isEmpty } }

    /// Whether a byte is white space of JSON.
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    /// Consumes a byte.
    ///
    /// - Parameter opens: whether the byte is a bracket that may begin an array without equal items.
    /// - Returns: whether the byte ends an item that equals an earlier one.
    mutating func consume(_ byte: UInt8, opens: Bool) -> Bool {
        if frames.isEmpty {
            if opens { open(.distinct) }
            return false
        }
        if isInString {
            consumeInString(byte)
            return false
        }
        if !number.isEmpty {
            if Self.isNumberByte(byte) {
                number.append(byte)
                return false
            }
            endNumber()
        }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            quote = byte
            append(UInt8(ascii: "\""))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): number = [byte]
        case UInt8(ascii: "["):
            append(byte)
            open(opens ? .distinct : .array)
        case UInt8(ascii: "{"):
            append(byte)
            open(.object)
        case UInt8(ascii: "]"), UInt8(ascii: "}"): return close(byte)
        case UInt8(ascii: ","):
            guard frames.last == .distinct else {
                append(byte)
                break
            }
            let isRepeated = endItem()
            append(byte)
            beginItem()
            return isRepeated
        default: if !Self.isSpace(byte) { append(byte) }
        }
        return false
    }

    private mutating func open(_ frame: Frame) {
        frames.append(frame)
        if frame == .distinct { levels.append(Level(start: text.count)) }
    }

    /// Closes an array or object.
    ///
    /// - Returns: whether an item ended that equals an earlier one.
    private mutating func close(_ byte: UInt8) -> Bool {
        var isRepeated = false
        if frames.removeLast() == .distinct {
            isRepeated = endItem()
            levels.removeLast()
        }
        if frames.isEmpty {
            self = DistinctItems(byteLimit: byteLimit)
        } else {
            append(byte)
        }
        return isRepeated
    }

    /// Begins an item: it is alike to all earlier items until its first byte.
    private mutating func beginItem() {
        let last = levels.count - 1
        // The text before an item of the outermost array is no longer needed.
        if last == 0 { text.removeAll(keepingCapacity: true) }
        levels[last].start = text.count
        levels[last].alike = levels[last].written.indices
    }

    /// Ends an item.
    ///
    /// - Returns: whether it equals an earlier item.
    private mutating func endItem() -> Bool {
        let last = levels.count - 1
        let item = Array(text[levels[last].start...])
        if item.isEmpty { return false }
        if last == 0 { endedCount += 1 }
        if isFull { return true }
        guard levels[last].seen.insert(ItemText.withSortedMembers(item)).inserted else { return true }
        let written = levels[last].written
        levels[last].written.insert(item, at: written.firstIndex(from: 0) { !$0.lexicographicallyPrecedes(item) })
        byteCount += 2 * item.count + 64
        if byteCount > byteLimit { stopComparing() }
        return false
    }

    /// Clears all items when the byte limit is exceeded.
    private mutating func stopComparing() {
        isFull = true
        for index in levels.indices {
            levels[index].seen = []
            levels[index].written = []
            levels[index].alike = 0..<0
        }
    }

    /// Adds a byte to the text of all open items, and narrows the ranges of alike items by binary search.
    private mutating func append(_ byte: UInt8) {
        if text.count > byteLimit, !isFull { stopComparing() }
        for index in levels.indices where !levels[index].alike.isEmpty {
            let depth = text.count - levels[index].start
            let written = levels[index].written
            let alike = levels[index].alike
            let first = written.firstIndex(from: alike.lowerBound, to: alike.upperBound) {
                $0.count > depth && $0[depth] >= byte
            }
            let end = written.firstIndex(from: first, to: alike.upperBound) { $0[depth] > byte }
            levels[index].alike = first..<end
        }
        // Beyond the limit the text only shows whether there is an item.
        if !isFull || text.count == levels.last?.start { text.append(byte) }
    }

    private static func isNumberByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    /// Adds the canonical form of the number that has ended.
    private mutating func endNumber() {
        for byte in ItemText.number(number) { append(byte) }
        number = []
    }

    // MARK: Strings

    /// Consumes a byte of a string; escapes are decoded, so that equal strings have equal texts in any spelling.
    private mutating func consumeInString(_ byte: UInt8) {
        switch escape {
        case .begun:
            escape = .none
            switch byte {
            case UInt8(ascii: "u"): escape = .digits(0, 0)
            case UInt8(ascii: "n"): append(scalar: 0x0A)
            case UInt8(ascii: "r"): append(scalar: 0x0D)
            case UInt8(ascii: "t"): append(scalar: 0x09)
            case UInt8(ascii: "b"): append(scalar: 0x08)
            case UInt8(ascii: "f"): append(scalar: 0x0C)
            default: append(scalar: UInt32(byte))
            }
        case .digits(let count, let value):
            let digit = UInt32(Character(Unicode.Scalar(byte)).hexDigitValue ?? 0)
            escape = count < 3 ? .digits(count + 1, value << 4 | digit) : .none
            if count == 3 { append(codeUnit: value << 4 | digit) }
        case .none:
            if byte == UInt8(ascii: "\\") {
                escape = .begun
            } else if byte == quote {
                endSurrogate()
                quote = 0
                append(UInt8(ascii: "\""))
            } else if byte == UInt8(ascii: "\"") {
                append(scalar: UInt32(byte))
            } else {
                endSurrogate()
                append(byte)
            }
        }
    }

    /// Adds an escaped UTF-16 code unit; two halves of a pair become one character.
    private mutating func append(codeUnit unit: UInt32) {
        if highSurrogate != 0, 0xDC00...0xDFFF ~= unit {
            let scalar = 0x10000 + (highSurrogate - 0xD800) << 10 + (unit - 0xDC00)
            highSurrogate = 0
            append(scalar: scalar)
        } else if 0xD800...0xDBFF ~= unit {
            endSurrogate()
            highSurrogate = unit
        } else {
            append(scalar: unit)
        }
    }

    /// An unpaired half counts as a character of its own.
    private mutating func endSurrogate() {
        guard highSurrogate != 0 else { return }
        let alone = highSurrogate
        highSurrogate = 0
        append(scalar: alone)
    }

    /// Adds a character in normalized form.
    private mutating func append(scalar: UInt32) {
        endSurrogate()
        if scalar == 0x22 || scalar == 0x5C { append(0x5C) }
        for byte in ScalarRanges.utf8(scalar) { append(byte) }
    }
}

extension [[UInt8]] {
    /// The first index from which on `holds` is true, or the end; binary search.
    ///
    /// - Precondition: `holds` is monotone in the range.
    fileprivate func firstIndex(from start: Int, to end: Int? = nil, where holds: ([UInt8]) -> Bool) -> Int {
        var low = start
        var high = end ?? count
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
