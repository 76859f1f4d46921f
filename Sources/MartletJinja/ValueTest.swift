/// The tests behind `is`, by their names in templates.
///
/// They are Jinja's, version 3.1. `sequence` is true for dictionaries and undefined values too, because Jinja only
/// calls `len` and `[]`.
enum ValueTest: String, Sendable {
    case boolean, callable, defined, divisibleby, even, `false`, filter, float, `in`, integer, iterable, lower, mapping
    case none, number, odd, sameas, sequence, string, test, `true`, undefined, upper, escaped
    case eq, equalto, ne, lt, lessthan, le, gt, greaterthan, ge
    case equalSign = "=="
    case notEqualSign = "!="
    case lessSign = "<"
    case lessOrEqualSign = "<="
    case greaterSign = ">"
    case greaterOrEqualSign = ">="

    /// The comparison that the test stands for; nil for other tests.
    fileprivate var comparison: ComparisonOperator? {
        switch self {
        case .eq, .equalto, .equalSign: .equal
        case .ne, .notEqualSign: .notEqual
        case .lt, .lessthan, .lessSign: .less
        case .le, .lessOrEqualSign: .lessOrEqual
        case .gt, .greaterthan, .greaterSign: .greater
        case .ge, .greaterOrEqualSign: .greaterOrEqual
        case .in: .contained
        default: nil
        }
    }
}

extension Interpreter {
    /// Whether a value passes a test.
    ///
    ///     x is defined               not undefined
    ///     x is string                a string; x is mapping: a dictionary
    ///     3 is divisibleby 3         true
    ///     x is in ["a", "b"]         like x in ["a", "b"]
    ///     x is iterable              a string, sequence, dictionary or undefined value
    /// - Throws: for a missing argument, and for values that cannot be compared.
    func apply(_ test: ValueTest, to value: TemplateValue, _ arguments: Arguments) throws(TemplateError) -> Bool {
        if let comparison = test.comparison {
            return try compare(value, comparison, try only(arguments, "other", of: test.rawValue))
        }
        switch test {
        case .defined: return !value.isUndefined
        case .undefined: return value.isUndefined
        case .none: return value.isNone
        case .boolean: if case .boolean = value { return true }
        case .true: if case .boolean(true) = value { return true }
        case .false: if case .boolean(false) = value { return true }
        case .string: if case .text = value { return true }
        case .integer:
            switch value {
            case .integer, .largeInteger: return true
            default: return false
            }
        case .float: if case .float = value { return true }
        case .number: return value.number != nil
        case .mapping: if case .dictionary = value { return true }
        case .callable:
            switch value {
            case .callable, .loop: return true
            default: return false
            }
        case .iterable:
            switch value {
            case .text, .list, .dictionary, .undefined: return true
            default: return false
            }
        case .sequence:
            switch value {
            case .text, .dictionary, .undefined: return true
            case .list(let list): return list.isSequence
            default: return false
            }
        case .lower, .upper:
            let text = try text(of: value)
            return try call(test == .lower ? .islower : .isupper, of: text, Arguments()).isTrue
        case .even, .odd, .divisibleby:
            let divisor = test == .divisibleby ? try only(arguments, "num", of: test.rawValue) : .integer(2)
            let rest = try calculate(value, .modulo, divisor)
            return test == .odd ? rest.number == 1 : rest.number == 0
        case .escaped: if case .text(let text) = value { return text.isMarkup }
        case .sameas: return try isSame(value, try only(arguments, "other", of: test.rawValue))
        case .filter: return Filter(rawValue: try text(of: value).string) != nil
        case .test: return ValueTest(rawValue: try text(of: value).string) != nil
        default: break
        }
        return false
    }

    /// Whether both are the same object: `x is sameas y`, Python's `is`.
    ///
    /// Values without identity are the same if type and value are equal. An undefined value is created at each use, so
    /// it is never the same as another.
    private func isSame(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> Bool {
        switch (left, right) {
        case (.undefined, _), (_, .undefined): return false
        case (.callable(.global(let left)), .callable(.global(let right))): return left == right
        case (.list(let left), .list(let right)): return left === right
        case (.dictionary(let left), .dictionary(let right)): return left === right
        default:
            guard left.typeName == right.typeName else { return false }
            return try areEqual(left, right)
        }
    }
}
