/// The items of those arrays that are open in which no two may be equal: what a grammar cannot count.
///
/// Follows a text of JSON or of Python's literals byte by byte, from the bracket of such an array to its end. Two items
/// are equal as JSON Schema has it: numbers by their value, strings without a look at escapes, objects without the
/// order of their members. A value, so that a copy goes its own way.
struct DistinctItems {
    private enum Frame { case distinct, array, object }

    /// One of the arrays.
    private struct Level {
        /// Where the item that is open begins in `text`.
        var start: Int
        /// Items in the form in which equal ones are the same.
        var seen: Set<[UInt8]> = []
        /// The items' texts, ascending.
        var written: [[UInt8]] = []
        /// Those of `written` that begin as the open item does.
        var alike = 0..<0
    }

    private enum Escape {
        case none, begun
        /// Behind `\\u`: how many digits came, and their value.
        case digits(Int, UInt32)
    }

    private var frames: [Frame] = []
    private var levels: [Level] = []
    /// Of the item of the outermost array: without white space, escapes only of quotation marks and of themselves,
    /// numbers in one form.
    private var text: [UInt8] = []
    /// A number that is not at its end.
    private var number: [UInt8] = []
    /// By which the open string is ended; 0 = none is open.
    private var quote: UInt8 = 0
    private var escape = Escape.none
    /// The first half of a surrogate pair, or 0.
    private var highSurrogate: UInt32 = 0
    private let byteLimit: Int
    private var byteCount = 0
    /// Whether the items consume more bytes than the limit. No further one is then told from them.
    private(set) var isFull = false
    /// Items of the outermost array that have ended.
    private(set) var endedCount = 0

    init(byteLimit: Int) { self.byteLimit = byteLimit }

    /// Whether such an array is open.
    var isActive: Bool { !frames.isEmpty }

    var isInString: Bool { quote != 0 }

    /// Whether an open item may still become equal to an earlier one.
    var isAtRisk: Bool { levels.contains { !$0.alike.isEmpty } }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    /// Takes a byte.
    ///
    /// - Parameter opens: whether it is a bracket that may begin an array without equal items.
    /// - Returns: whether it ends an item that is equal to an earlier one.
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

    private mutating func beginItem() {
        let last = levels.count - 1
        // Of the outermost array nothing in front of the item is asked for again.
        if last == 0 { text.removeAll(keepingCapacity: true) }
        levels[last].start = text.count
        levels[last].alike = levels[last].written.indices
    }

    /// - Returns: whether there was an equal one.
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

    private mutating func stopComparing() {
        isFull = true
        for index in levels.indices {
            levels[index].seen = []
            levels[index].written = []
            levels[index].alike = 0..<0
        }
    }

    /// Adds a byte to the text of all items that are open.
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
        // Where no item is told from others any more, a text only shows whether there is an item.
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

    private mutating func endNumber() {
        for byte in ItemText.number(number) { append(byte) }
        number = []
    }

    // MARK: Strings

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

    /// A half that stays alone counts as a character of its own.
    private mutating func endSurrogate() {
        guard highSurrogate != 0 else { return }
        let alone = highSurrogate
        highSurrogate = 0
        append(scalar: alone)
    }

    private mutating func append(scalar: UInt32) {
        endSurrogate()
        if scalar == 0x22 || scalar == 0x5C { append(0x5C) }
        for byte in ScalarRanges.utf8(scalar) { append(byte) }
    }
}

extension [[UInt8]] {
    /// The first place between two at which something holds that holds at all later ones too; the end if there is none.
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
