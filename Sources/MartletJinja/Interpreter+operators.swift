import MartletPlatform
import OrderedCollections

extension Interpreter {
    /// Compares two values with Python's operator.
    ///
    /// `<` and the like work for two numbers, two texts, two lists or two tuples; other types fail with Python's
    /// `TypeError`. Comparisons with NaN are false.
    func compare(_ left: TemplateValue, _ operation: ComparisonOperator, _ right: TemplateValue) throws(TemplateError)
        -> Bool
    {
        switch operation {
        case .equal: return try areEqual(left, right)
        case .notEqual: return !(try areEqual(left, right))
        case .contained: return try contains(right, left)
        case .notContained: return !(try contains(right, left))
        case .less: return try ordering(left, right, "<") == -1
        case .greater: return try ordering(left, right, ">") == 1
        case .lessOrEqual:
            let ordering = try ordering(left, right, "<=")
            return ordering == -1 || ordering == 0
        case .greaterOrEqual:
            let ordering = try ordering(left, right, ">=")
            return ordering == 1 || ordering == 0
        }
    }

    /// Python's `==`. Values of different types are unequal, except numbers: `1 == 1.0 == true`.
    ///
    /// Text is compared by bytes. Lists and dictionaries are compared by content; each item is a step of the budget.
    func areEqual(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> Bool {
        switch (left, right) {
        case (.text(let left), .text(let right)): return left == right
        case (.none, .none), (.undefined, .undefined): return true
        case (.list(let left), .list(let right)): return try areEqual(left, right)
        case (.dictionary(let left), .dictionary(let right)): return try areEqual(left, right)
        case (.namespace(let left), .namespace(let right)): return left === right
        case (.callable(.macro(let left)), .callable(.macro(let right))): return left === right
        case (.largeInteger(let left), .largeInteger(let right)): return left.utf8.elementsEqual(right.utf8)
        default:
            if case .integer(let left, _) = left, case .integer(let right, _) = right { return left == right }
            guard let left = left.number, let right = right.number else { return false }
            return left == right
        }
    }

    /// Whether two lists have equal items. A list and a tuple are never equal, as in Python.
    private func areEqual(_ left: ListObject, _ right: ListObject) throws(TemplateError) -> Bool {
        guard left.kind == right.kind, left.items.count == right.items.count else { return false }
        if left === right { return true }
        try enter(levels: 2)
        defer { leave(levels: 2) }
        for (one, other) in zip(left.items, right.items) {
            try spend()
            if !(try areEqual(one, other)) { return false }
        }
        return true
    }

    /// Whether two dictionaries have equal members, in any order.
    private func areEqual(_ left: DictionaryObject, _ right: DictionaryObject) throws(TemplateError) -> Bool {
        guard left.members.count == right.members.count else { return false }
        if left === right { return true }
        try enter(levels: 2)
        defer { leave(levels: 2) }
        for (key, value) in left.members {
            try spend()
            guard let other = right.members[key], try areEqual(value, other) else { return false }
        }
        return true
    }

    /// The order of two values: -1, 0 or 1; nil if one of them is NaN.
    /// - Parameter symbol: the operator, for the error message.
    /// - Throws: Python's `TypeError` for values without an order; the message of an undefined value.
    func ordering(_ left: TemplateValue, _ right: TemplateValue, _ symbol: String) throws(TemplateError) -> Int? {
        switch (left, right) {
        case (.undefined(let reason), _), (_, .undefined(let reason)): throw failure(reason.message)
        case (.text(let left), .text(let right)): return left == right ? 0 : left < right ? -1 : 1
        case (.integer(let left, _), .integer(let right, _)): return left == right ? 0 : left < right ? -1 : 1
        case (.list(let left), .list(let right)) where left.kind == right.kind && left.isSequence:
            try enter()
            defer { leave() }
            for (one, other) in zip(left.items, right.items) {
                try spend()
                if !(try areEqual(one, other)) { return try ordering(one, other, symbol) }
            }
            return (left.items.count - right.items.count).signum()
        default: break
        }
        guard let one = left.number, let other = right.number else {
            throw failure(
                "TypeError: '\(symbol)' not supported between instances of '\(left.typeName)' and '\(right.typeName)'")
        }
        return one == other ? 0 : one < other ? -1 : one > other ? 1 : nil
    }

    /// `value in container`: a part of a text, a key of a dictionary, an item of a list. An undefined container
    /// contains nothing.
    func contains(_ container: TemplateValue, _ value: TemplateValue) throws(TemplateError) -> Bool {
        switch container {
        case .text(let text):
            guard case .text(let part) = value else {
                if case .undefined(let reason) = value { throw failure(reason.message) }
                throw failure(
                    "TypeError: 'in <string>' requires string as left operand, not \(value.typeName)")
            }
            try spend(steps: text.byteCount >> 10)
            return text.contains(part)
        case .dictionary(let dictionary):
            return dictionary.members[try key(from: value)] != nil
        case .list(let list):
            for item in list.items {
                try spend()
                if try areEqual(item, value) { return true }
            }
            return false
        case .undefined: return false
        default: throw failure("TypeError: argument of type '\(container.typeName)' is not iterable")
        }
    }

    /// `-value`. A boolean counts as a number. The result retains the provenance of an integer.
    func negated(_ value: TemplateValue, _ line: Int) throws(TemplateError) -> TemplateValue {
        self.line = line
        switch value {
        case .integer(let value, let isTrusted):
            let (result, overflow) = Int(0).subtractingReportingOverflow(value)
            if overflow { throw integerOverflow }
            return .integer(result, isTrusted: isTrusted)
        case .boolean(let value): return .integer(value ? -1 : 0)
        case .largeInteger(let digits):
            let negative = digits.first == "-" ? String(digits.dropFirst()) : "-" + digits
            return Int(negative).map { .integer($0, isTrusted: false) } ?? .largeInteger(negative)
        case .float(let value): return .float(-value)
        case .undefined(let reason): throw failure(reason.message)
        default: throw failure("TypeError: bad operand type for unary -: '\(value.typeName)'")
        }
    }

    /// `+value`. A boolean becomes a number.
    func positive(_ value: TemplateValue, _ line: Int) throws(TemplateError) -> TemplateValue {
        self.line = line
        switch value {
        case .integer, .largeInteger, .float: return value
        case .boolean(let value): return .integer(value ? 1 : 0)
        case .undefined(let reason): throw failure(reason.message)
        default: throw failure("TypeError: bad operand type for unary +: '\(value.typeName)'")
        }
    }

    /// The error for results beyond 64 bits. Python's integers have no limit; no chat template needs more.
    var integerOverflow: TemplateError { failure("OverflowError: an integer has more than 64 bits") }

    /// The result of an operator of two operands.
    ///
    ///     "a" + "b"   "ab"                 [1] + [2]   [1, 2]
    ///     "ab" * 2    "abab"               "%d" % 3    "3"
    ///     7 // 2      3                    -7 % 3      2 (the divisor's sign)
    ///     1 / 2       0.5                  2 ** -1     0.5
    ///
    /// A computed integer is trusted if both operands are. If one of two texts is safe, the other is escaped first.
    /// - Throws: Python's `TypeError` and `ZeroDivisionError`; an overflow beyond 64 bits; `budget`.
    func calculate(_ left: TemplateValue, _ operation: ArithmeticOperator, _ right: TemplateValue) throws(TemplateError)
        -> TemplateValue
    {
        switch (left, operation, right) {
        case (.text(var left), .add, .text(var right)):
            if left.isMarkup || right.isMarkup { (left, right) = (left.escaped, right.escaped) }
            try spend(bytes: left.byteCount + right.byteCount)
            left.append(right)
            return .text(left)
        // An undefined value is a field, too: it has no text.
        case (.text(let format), .modulo, _): return .text(try formatOldStyle(format, right))
        case (.undefined(let reason), _, _), (_, _, .undefined(let reason)): throw failure(reason.message)
        case (.list(let left), .add, .list(let right)) where left.kind == right.kind && left.isSequence:
            return try makeList(left.items + right.items, kind: left.kind)
        case (.text, .multiply, _), (.list, .multiply, _):
            if let count = right.integerForArithmetic { return try repeated(left, count.value) }
        case (_, .multiply, .text), (_, .multiply, .list):
            if let count = left.integerForArithmetic { return try repeated(right, count.value) }
        default: break
        }
        if let one = left.integerForArithmetic, let other = right.integerForArithmetic {
            return try calculate(one.value, operation, other.value, isTrusted: one.isTrusted && other.isTrusted)
        }
        if let one = left.number, let other = right.number { return try calculate(one, operation, other) }
        if operation == .add, case .text = left {
            throw failure("TypeError: can only concatenate str (not \"\(right.typeName)\") to str")
        }
        if operation == .add, case .list(let list) = left, list.isSequence {
            throw failure(
                "TypeError: can only concatenate \(list.kind.rawValue) (not \"\(right.typeName)\") to \(list.kind.rawValue)"
            )
        }
        if operation == .multiply, left.isSequence || right.isSequence {
            let factor = left.isSequence ? right : left
            throw failure("TypeError: can't multiply sequence by non-int of type '\(factor.typeName)'")
        }
        let symbol = operation == .power ? "** or pow()" : operation.rawValue
        throw failure(
            "TypeError: unsupported operand type(s) for \(symbol): '\(left.typeName)' and '\(right.typeName)'")
    }

    /// A text or a list, repeated. A negative count gives an empty result. The size is counted before it is made.
    private func repeated(_ value: TemplateValue, _ count: Int) throws(TemplateError) -> TemplateValue {
        let count = max(0, count)
        switch value {
        case .text(let text):
            let (bytes, overflow) = text.byteCount.multipliedReportingOverflow(by: count)
            try spend(bytes: overflow ? .max : bytes)
            try spend(steps: text.flips.isEmpty ? 0 : min(count, 1 << 40))
            if text.flips.isEmpty {
                return .text(
                    ProvenanceText(
                        String(repeating: text.string, count: text.isEmpty ? 0 : count), isTrusted: text.startsTrusted)
                )
            }
            var result = ProvenanceText.empty
            for _ in 0..<count { result.append(text) }
            return .text(result)
        case .list(let list) where list.isSequence:
            let (size, overflow) = list.items.count.multipliedReportingOverflow(by: count)
            try spend(bytes: overflow || size > 1 << 40 ? .max : size * 32)
            return try makeList(
                Array([[TemplateValue]](repeating: list.items, count: size == 0 ? 0 : count).joined()), kind: list.kind)
        default: throw failure("TypeError: can't multiply sequence '\(value.typeName)'")
        }
    }

    /// Arithmetic of integers, with Python's rounding and signs.
    private func calculate(
        _ left: Int, _ operation: ArithmeticOperator, _ right: Int, isTrusted: Bool
    ) throws(TemplateError) -> TemplateValue {
        let result: (partialValue: Int, overflow: Bool)
        switch operation {
        case .add: result = left.addingReportingOverflow(right)
        case .subtract: result = left.subtractingReportingOverflow(right)
        case .multiply: result = left.multipliedReportingOverflow(by: right)
        case .divide:
            if right == 0 { throw failure("ZeroDivisionError: division by zero") }
            return .float(Double(left) / Double(right))
        case .floorDivide, .modulo:
            if right == 0 { throw failure("ZeroDivisionError: integer division or modulo by zero") }
            guard let division = PythonNumber.floorDivision(left, by: right) else { throw integerOverflow }
            return .integer(operation == .modulo ? division.remainder : division.quotient, isTrusted: isTrusted)
        case .power:
            if right < 0 { return .float(pow(Double(left), Double(right))) }
            guard let value = PythonNumber.power(left, right) else { throw integerOverflow }
            return .integer(value, isTrusted: isTrusted)
        }
        if result.overflow { throw integerOverflow }
        return .integer(result.partialValue, isTrusted: isTrusted)
    }

    /// Arithmetic of floats. `//` rounds down, `%` has the divisor's sign.
    private func calculate(
        _ left: Double, _ operation: ArithmeticOperator, _ right: Double
    ) throws(TemplateError) -> TemplateValue {
        switch operation {
        case .add: return .float(left + right)
        case .subtract: return .float(left - right)
        case .multiply: return .float(left * right)
        case .power: return .float(pow(left, right))
        case .divide, .floorDivide, .modulo:
            if right == 0 { throw failure("ZeroDivisionError: float division by zero") }
            if operation == .divide { return .float(left / right) }
            let division = PythonNumber.floorDivision(left, by: right)
            return .float(operation == .floorDivide ? division.quotient : division.remainder)
        }
    }
}

extension TemplateValue {
    /// The value as a number in Python's arithmetic, where `true` is 1. nil for other types.
    var number: Double? {
        switch self {
        case .boolean(let value): value ? 1 : 0
        case .integer(let value, _): Double(value)
        case .largeInteger(let digits): Double(digits)
        case .float(let value): value
        default: nil
        }
    }

    /// Whether the value is a text, list, tuple or range.
    fileprivate var isSequence: Bool {
        switch self {
        case .text: true
        case .list(let list): list.isSequence
        default: false
        }
    }

    /// The value as an integer in arithmetic, with its provenance. nil for floats and other types.
    var integerForArithmetic: (value: Int, isTrusted: Bool)? {
        switch self {
        case .boolean(let value): (value ? 1 : 0, true)
        case .integer(let value, let isTrusted): (value, isTrusted)
        default: nil
        }
    }
}
