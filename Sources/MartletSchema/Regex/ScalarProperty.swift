/// The Unicode properties that `\p{…}` may name: general categories and a few binary properties.
///
/// The tables come from Swift's standard library and are built at first use, in some 50 ms. Scripts are not
/// supported.
enum ScalarProperty {
    /// The scalars with a property: `L`, `Letter`, `gc=Lu`, `Alphabetic`.
    ///
    /// - Returns: `nil` for a property that is unknown here, such as a script.
    static func set(named name: String) -> ScalarSet? {
        var value = name[...]
        if let equals = name.firstIndex(of: "=") {
            guard ["General_Category", "gc"].contains(name[..<equals]) else { return nil }
            value = name[name.index(after: equals)...]
        } else if let set = binary(name) {
            return set
        }
        guard let codes = categories[String(value)] else { return nil }
        return codes.reduce(.none) { $0.union(table[$1] ?? .none) }
    }

    /// The scalars with a binary property.
    private static func binary(_ name: String) -> ScalarSet? {
        switch name {
        case "Any": .all
        case "ASCII": ScalarSet([0...0x7F])
        case "White_Space", "space":
            ScalarSet([
                0x09...0x0D, 0x20...0x20, 0x85...0x85, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
                0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000,
            ])
        case "Alphabetic", "Alpha": alphabetic
        case "Uppercase", "Upper": uppercase
        case "Lowercase", "Lower": lowercase
        default: nil
        }
    }

    private static let alphabetic = scalars { $0.isAlphabetic }
    private static let uppercase = scalars { $0.isUppercase }
    private static let lowercase = scalars { $0.isLowercase }

    /// The assigned scalars that fulfil a predicate.
    private static func scalars(where has: (Unicode.Scalar.Properties) -> Bool) -> ScalarSet {
        var ranges: [ClosedRange<UInt32>] = []
        for value in assigned {
            guard let scalar = Unicode.Scalar(value), has(scalar.properties) else { continue }
            ranges.append(value...value)
        }
        return ScalarSet(ranges)
    }

    /// The ranges with assigned scalars. All others are unassigned or for private use.
    private static var assigned: [UInt32] { Array(0...0x323AF) + Array(0xE0000...0xE01EF) }

    /// The scalars of each short code of a general category.
    private static let table: [String: ScalarSet] = {
        var ranges: [String: [ClosedRange<UInt32>]] = [:]
        for value in assigned {
            guard let scalar = Unicode.Scalar(value) else { continue }
            ranges[code(scalar.properties.generalCategory), default: []].append(value...value)
        }
        ranges["Cs"] = [0xD800...0xDFFF]
        ranges["Co", default: []] += [0xF0000...0xFFFFD, 0x100000...0x10FFFD]
        ranges["Cn", default: []] += [
            0x323B0...0xDFFFF, 0xE01F0...0xEFFFF, 0xFFFFE...0xFFFFF, 0x10FFFE...0x10FFFF,
        ]
        return ranges.mapValues { ScalarSet($0) }
    }()

    /// The short code of a general category.
    private static func code(_ category: Unicode.GeneralCategory) -> String {
        switch category {
        case .uppercaseLetter: "Lu"
        case .lowercaseLetter: "Ll"
        case .titlecaseLetter: "Lt"
        case .modifierLetter: "Lm"
        case .otherLetter: "Lo"
        case .nonspacingMark: "Mn"
        case .spacingMark: "Mc"
        case .enclosingMark: "Me"
        case .decimalNumber: "Nd"
        case .letterNumber: "Nl"
        case .otherNumber: "No"
        case .connectorPunctuation: "Pc"
        case .dashPunctuation: "Pd"
        case .openPunctuation: "Ps"
        case .closePunctuation: "Pe"
        case .initialPunctuation: "Pi"
        case .finalPunctuation: "Pf"
        case .otherPunctuation: "Po"
        case .mathSymbol: "Sm"
        case .currencySymbol: "Sc"
        case .modifierSymbol: "Sk"
        case .otherSymbol: "So"
        case .spaceSeparator: "Zs"
        case .lineSeparator: "Zl"
        case .paragraphSeparator: "Zp"
        case .control: "Cc"
        case .format: "Cf"
        case .surrogate: "Cs"
        case .privateUse: "Co"
        case .unassigned: "Cn"
        @unknown default: "Cn"
        }
    }

    /// The short codes that each name of a category stands for.
    private static let categories: [String: [String]] = {
        let groups: [(names: [String], codes: [String])] = [
            (["L", "Letter"], ["Lu", "Ll", "Lt", "Lm", "Lo"]), (["LC", "Cased_Letter"], ["Lu", "Ll", "Lt"]),
            (["M", "Mark"], ["Mn", "Mc", "Me"]), (["N", "Number"], ["Nd", "Nl", "No"]),
            (["P", "Punctuation", "punct"], ["Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"]),
            (["S", "Symbol"], ["Sm", "Sc", "Sk", "So"]), (["Z", "Separator"], ["Zs", "Zl", "Zp"]),
            (["C", "Other"], ["Cc", "Cf", "Cs", "Co", "Cn"]), (["Uppercase_Letter"], ["Lu"]),
            (["Lowercase_Letter"], ["Ll"]), (["Titlecase_Letter"], ["Lt"]), (["Modifier_Letter"], ["Lm"]),
            (["Other_Letter"], ["Lo"]), (["Decimal_Number", "digit"], ["Nd"]), (["Letter_Number"], ["Nl"]),
            (["Other_Number"], ["No"]), (["Dash_Punctuation"], ["Pd"]), (["Currency_Symbol"], ["Sc"]),
            (["Math_Symbol"], ["Sm"]), (["Space_Separator"], ["Zs"]), (["Control", "cntrl"], ["Cc"]),
        ]
        var categories: [String: [String]] = [:]
        for (names, codes) in groups {
            for name in names { categories[name] = codes }
            for code in codes { categories[code] = [code] }
        }
        return categories
    }()
}
