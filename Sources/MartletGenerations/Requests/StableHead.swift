internal import MartletConversation

/// The treatment of lines at the head of a chat that change with every request, and so defeat the prefix cache.
///
/// Example: with `dates`, this system message is rendered with its first line at the end, so that the instructions stay
/// cached:
///
///     Today's date is Monday, 30 November 2026.
///     You are a careful assistant. …
///
/// The *head* is the beginning of the first message, if that is the system's or the developer's: the lines up to the
/// first one that is not of a known form. Text outside of the head never changes.
package enum StableHead: String, Sendable, CaseIterable {
    /// Nothing changes.
    case off
    /// Lines by which a client names itself or its account, such as `x-anthropic-billing-header: …`, are dropped.
    case attribution
    /// Lines with the date or the time are moved to the end of the message.
    case dates
    /// Both.
    case all

    /// The most lines of a head, and the most bytes of one of its lines. A longer line is not of a known form.
    private static let lineLimit = 8
    private static let byteLimit = 512

    /// The messages as the template sees them.
    ///
    /// - Complexity: linear in the text of the first message.
    func applied(to messages: [ConversationMessage]) -> [ConversationMessage] {
        guard self != .off, let first = messages.first, first.role == .system || first.role == .developer,
            let changed = applied(to: first)
        else { return messages }
        return [changed] + messages.dropFirst()
    }

    /// - Returns: `nil` if the message has no head, or nothing but a head.
    private func applied(to message: ConversationMessage) -> ConversationMessage? {
        var parts = message.parts[...]
        var lineCount = 0
        var moved: [String] = []
        while case .text(let text)? = parts.first {
            let (rest, count) = removeHead(from: text, at: lineCount, into: &moved)
            lineCount += count
            guard rest.utf8.isEmpty, count > 0 else {
                if count > 0 { parts[parts.startIndex] = .text(rest) }
                break
            }
            parts.removeFirst()
        }
        guard lineCount > 0, case .text(let last)? = parts.last, !last.isEmpty else { return nil }
        var changed = message
        if !moved.isEmpty { parts[parts.endIndex - 1] = .text(last + "\n" + moved.joined(separator: "\n")) }
        changed.parts = Array(parts)
        return changed
    }

    /// Removes the lines of a head from a text.
    ///
    /// - Parameters:
    ///   - lineCount: the lines of the head before this text.
    ///   - moved: receives the lines that belong at the end of the message.
    /// - Returns: the rest, and the number of lines of the head.
    private func removeHead(
        from text: String, at lineCount: Int, into moved: inout [String]
    ) -> (rest: String, count: Int) {
        var rest = text[...]
        var next = rest
        var count = 0
        while lineCount + count < Self.lineLimit, !next.utf8.isEmpty {
            let end = next.utf8.firstIndex(of: UInt8(ascii: "\n")) ?? next.endIndex
            let line = next[..<end]
            next = end == next.endIndex ? next[end...] : next[next.utf8.index(after: end)...]
            // A blank line belongs to the head only if another line of it follows.
            if line.utf8.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
            guard line.utf8.count <= Self.byteLimit else { break }
            if self != .dates, HeadLine.isAttribution(line) {
                rest = next
            } else if self != .attribution, HeadLine.isDate(line) {
                moved.append(String(line))
                rest = next
            } else {
                break
            }
            count += 1
        }
        return (String(rest), count)
    }
}

/// The known forms of lines at the head of a chat.
enum HeadLine {
    /// Whether a line is a header by which a client names itself: `x-` and a name of letters, digits and hyphens, then a
    /// colon.
    static func isAttribution(_ line: Substring) -> Bool {
        let bytes = Array(line.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 2,
            bytes[0] | 0x20 == UInt8(ascii: "x"), bytes[1] == UInt8(ascii: "-")
        else { return false }
        return bytes[2..<colon].allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// Whether a line only states the date or the time: it begins with such words, has a digit, and every word is a
    /// number or belongs to a date. Example: `Current date and time: Mon, 30 Nov 2026 09:13 UTC`.
    static func isDate(_ line: Substring) -> Bool {
        let words = line.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "'" || $0 == "\u{2019}") }
            .map(String.init)
        guard let first = words.first, opening.contains(first), words.count <= 24 else { return false }
        var hasDigit = false
        for word in words {
            if word.utf8.contains(where: isDigit) {
                hasDigit = true
                let suffix = word.drop { $0.isNumber }.filter { !$0.isNumber }
                guard suffixes.contains(String(suffix)) else { return false }
            } else if !dateWords.contains(word) {
                return false
            }
        }
        return hasDigit
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// The first words of a line with a date.
    private static let opening: Set<String> = [
        "today", "today's", "today\u{2019}s", "current", "date", "time", "the", "now", "it", "timestamp", "datetime",
    ]

    /// The letters that follow the digits of a number: `30th`, `2026-11-30T09:13:00Z`, `9am`, `09h13`.
    private static let suffixes: Set<String> = ["", "st", "nd", "rd", "th", "t", "z", "tz", "am", "pm", "h"]

    private static let dateWords: Set<String> = opening.union([
        "is", "and", "of", "at", "on", "local", "date", "day", "year", "am", "pm", "utc", "gmt", "z", "t",
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
        "mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun",
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
        "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
    ])
}
