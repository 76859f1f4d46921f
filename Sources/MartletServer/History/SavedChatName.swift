/// The name of a saved chat or of one of its files: 1 to 60 letters, digits, `-`, `_`, `.` or `~`.
///
/// Such a name needs no escapes in a URL. On disk it is written in hexadecimal digits, because a file system may ignore the case of
/// letters, and `..` is a name, too.
struct SavedChatName: Hashable, Sendable, Comparable {
    /// The name itself.
    let text: String

    /// The most characters of a name: two names in hexadecimal digits fit into the 255 bytes of a file name.
    static let lengthLimit = 60

    /// - Returns: nil if the text breaks the rule.
    init?(_ text: String) {
        guard (1...Self.lengthLimit).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else {
            return nil
        }
        self.text = text
    }

    /// Reads the name that a file has on disk.
    /// - Returns: nil if the digits are no name.
    init?(digits: Substring) {
        let digits = Array(digits.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.value(of: digits[index]), let low = Self.value(of: digits[index + 1]) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        self.init(text)
    }

    /// The name in lower-case hexadecimal digits, two per character.
    var digits: String {
        text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func < (left: SavedChatName, right: SavedChatName) -> Bool { left.text < right.text }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// The value of a lower-case hexadecimal digit.
    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
