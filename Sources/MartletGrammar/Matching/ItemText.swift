/// Canonical forms in which equal values have equal bytes.
enum ItemText {
    /// A number by its value: digits if it is whole, otherwise the nearest double.
    static func number(_ text: [UInt8]) -> [UInt8] {
        let text = String(decoding: text, as: UTF8.self)
        if let whole = Int64(text) { return Array(String(whole).utf8) }
        guard let value = Double(text) else { return Array(text.utf8) }
        return Array((Int64(exactly: value).map { String($0) } ?? String(value)).utf8)
    }

    /// A text of `DistinctItems` with the members of objects sorted by name; of equal names the last counts.
    static func withSortedMembers(_ text: [UInt8]) -> [UInt8] {
        guard text.contains(UInt8(ascii: "{")) else { return text }
        struct Open {
            var members: [[UInt8]: [UInt8]] = [:]
            var key: [UInt8]?
            /// The items of an array, or the name or value that is being read.
            var part: [UInt8] = []

            mutating func endMember() {
                if let key { members[key] = part }
                (key, part) = (nil, [])
            }
        }
        var open = [Open()]
        var isInString = false
        var isEscaped = false
        for byte in text {
            let last = open.count - 1
            if isInString {
                open[last].part.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "["), UInt8(ascii: "{"): open.append(Open())
            case UInt8(ascii: ":"):
                open[last].key = open[last].part
                open[last].part = []
            case UInt8(ascii: ",") where open[last].key != nil: open[last].endMember()
            case UInt8(ascii: "]") where last > 0:
                let array = open.removeLast()
                open[last - 1].part += [UInt8(ascii: "[")] + array.part + [byte]
            case UInt8(ascii: "}") where last > 0:
                var object = open.removeLast()
                object.endMember()
                open[last - 1].part.append(UInt8(ascii: "{"))
                for (key, value) in object.members.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                    open[last - 1].part += key + [UInt8(ascii: ":")] + value + [UInt8(ascii: ",")]
                }
                open[last - 1].part.append(byte)
            case UInt8(ascii: "\""):
                isInString = true
                open[last].part.append(byte)
            default: open[last].part.append(byte)
            }
        }
        return open[0].part
    }
}
