import MartletPlatform

/// A local date and time: the result of `strftime_now` and of the server's date variables. No time zone.
package struct TemplateTime: Sendable, Equatable {
    /// From 0 to 9999 in parsed texts.
    package var year: Int
    /// From 1.
    package var month: Int
    /// From 1.
    package var day: Int
    package var hour: Int
    package var minute: Int
    /// 0 to 60: a leap second is allowed.
    package var second: Int

    /// A time of the calendar; the caller guarantees its ranges.
    package init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    /// Parses `2026-01-15T10:30:00`. nil for another form and for a date that does not exist.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 19 else { return nil }
        for (index, byte) in "0000-00-00T00:00:00".utf8.enumerated() {
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index])
            guard byte == UInt8(ascii: "0") ? isDigit : bytes[index] == byte else { return nil }
        }
        func number(_ range: Range<Int>) -> Int { bytes[range].reduce(0) { $0 * 10 + Int($1 - 48) } }
        self.init(
            year: number(0..<4), month: number(5..<7), day: number(8..<10), hour: number(11..<13),
            minute: number(14..<16), second: number(17..<19))
        guard (1...12).contains(month), day >= 1, day <= daysInMonth, hour < 24, minute < 60, second < 61 else {
            return nil
        }
    }

    /// The current time of the system's clock, in its time zone.
    package static var now: TemplateTime {
        var seconds = time(nil)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return TemplateTime(
            year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday),
            hour: Int(parts.tm_hour), minute: Int(parts.tm_min), second: Int(parts.tm_sec))
    }

    /// The days of a year in front of each month, without a leap day.
    private static let daysBeforeMonth = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
    private static let monthNames = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// Whether the year has 366 days in the Gregorian calendar.
    private var isLeapYear: Bool {
        year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    }

    /// The number of days of the month.
    private var daysInMonth: Int {
        switch month {
        case 2: isLeapYear ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The day of the year, from 1.
    private var dayOfYear: Int { Self.daysBeforeMonth[month - 1] + day + (month > 2 && isLeapYear ? 1 : 0) }

    /// The day of the week; Sunday is 0. Gauss's formula for the Gregorian calendar.
    private var dayOfWeek: Int {
        let before = year - 1
        return (dayOfYear + before + before / 4 - before / 100 + before / 400) % 7
    }

    /// A number with at least this many digits.
    private func digits(_ value: Int, _ width: Int = 2, fill: String = "0") -> String {
        let text = String(value)
        return String(repeating: fill, count: max(0, width - text.utf8.count)) + text
    }

    /// Python's `strftime` in the C locale: `formatted("%d %b %Y")` is `15 Jan 2026`. `%-d` has no leading zero, as in
    /// glibc.
    ///
    /// Not C's `strftime`: it depends on the process's locale, and prompts must be the same on every machine. An
    /// unknown conversion stands for itself.
    func formatted(_ format: String) -> String {
        var result = ""
        var scalars = format.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            guard scalar == "%" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            guard var letter = scalars.next() else { return result + "%" }
            let isUnpadded = letter == "-"
            if isUnpadded {
                guard let next = scalars.next() else { return result + "%-" }
                letter = next
            }
            let text = conversion(letter) ?? "%\(isUnpadded ? "-" : "")\(letter)"
            let trimmed = text.drop { $0 == "0" || $0 == " " }
            result += isUnpadded ? (trimmed.isEmpty ? "0" : String(trimmed)) : text
        }
        return result
    }

    /// The text of a conversion letter; nil = unknown. `%Z` and `%z` are empty, as for a naive `datetime` of Python.
    private func conversion(_ letter: Unicode.Scalar) -> String? {
        switch letter {
        case "Y": digits(year, 4)
        case "y": digits(year % 100)
        case "m": digits(month)
        case "d": digits(day)
        case "e": digits(day, fill: " ")
        case "H": digits(hour)
        case "I": digits((hour + 11) % 12 + 1)
        case "M": digits(minute)
        case "S": digits(second)
        case "p": hour < 12 ? "AM" : "PM"
        case "j": digits(dayOfYear, 3)
        case "B": Self.monthNames[month - 1]
        case "b", "h": String(Self.monthNames[month - 1].prefix(3))
        case "A": Self.dayNames[dayOfWeek]
        case "a": String(Self.dayNames[dayOfWeek].prefix(3))
        case "w": String(dayOfWeek)
        case "u": String((dayOfWeek + 6) % 7 + 1)
        case "U": digits((dayOfYear + 6 - dayOfWeek) / 7)
        case "W": digits((dayOfYear + 6 - (dayOfWeek + 6) % 7) / 7)
        case "F": formatted("%Y-%m-%d")
        case "T", "X": formatted("%H:%M:%S")
        case "R": formatted("%H:%M")
        case "D", "x": formatted("%m/%d/%y")
        case "c": formatted("%a %b %e %H:%M:%S %Y")
        case "n": "\n"
        case "t": "\t"
        case "f": "000000"
        case "Z", "z": ""
        case "%": "%"
        default: nil
        }
    }
}
