/// What a template computes.
///
/// Chains of operators of one rank are flat, so that neither a long chain nor its evaluation costs depth.
indirect enum Expression: Sendable {
    case constant(Constant)
    /// By its number in the template's table of names.
    case variable(Int)
    case list([Expression])
    case tuple([Expression])
    case dictionary([(key: Expression, value: Expression)])
    case postfix(Expression, [Suffix])
    case arithmetic(Expression, [(operation: ArithmeticOperator, operand: Expression, line: Int)])
    case concatenation([Expression])
    case comparison(Expression, [(operation: ComparisonOperator, operand: Expression)], line: Int)
    case and([Expression])
    case or([Expression])
    case not(Expression)
    case negative(Expression, line: Int)
    case positive(Expression, line: Int)
    /// `then if condition else otherwise`; undefined when the condition fails and there is no `else`.
    case conditional(then: Expression, condition: Expression, otherwise: Expression?)
}

enum Constant: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case text(Text)
}

/// What follows an operand (classes, so that walking over them copies one reference each): `.name`, `[index]`, `(arguments)`, `| filter`, `is test`.
struct Suffix: Sendable {
    enum Kind: Sendable {
        case attribute(AttributeName)
        case element(Expression)
        indirect case slice(start: Expression?, stop: Expression?, step: Expression?)
        indirect case call(ArgumentList)
        case filter(FilterCall)
        case test(TestCall)
    }
    var kind: Kind
    var line: Int
}

/// The name after a dot, with the methods of strings, lists and dictionaries that it could mean.
final class AttributeName: Sendable {
    let key: DictionaryKey
    let name: String
    let text: TextMethod?
    let list: ListMethod?
    let dictionary: DictionaryMethod?

    init(_ name: String) {
        self.name = name
        key = .text(Text(name, isTrusted: true))
        text = TextMethod(rawValue: name)
        list = ListMethod(rawValue: name)
        dictionary = DictionaryMethod(rawValue: name)
    }
}

struct ArgumentList: Sendable {
    var positional: [Expression] = []
    var named: [(name: String, value: Expression)] = []
    /// `*expression`
    var morePositional: Expression?
    /// `**expression`
    var moreNamed: Expression?

    var isEmpty: Bool { positional.isEmpty && named.isEmpty && morePositional == nil && moreNamed == nil }
}

final class FilterCall: Sendable {
    let name: String
    /// `nil` when there is no such filter, which matters only when it is reached.
    let filter: Filter?
    let arguments: ArgumentList
    let line: Int

    init(name: String, arguments: ArgumentList, line: Int) {
        self.name = name
        filter = Filter(rawValue: name)
        self.arguments = arguments
        self.line = line
    }
}

final class TestCall: Sendable {
    let name: String
    /// `nil` when there is no such test, which matters only when it is reached.
    let test: ValueTest?
    let arguments: ArgumentList
    let isNegated: Bool

    init(name: String, arguments: ArgumentList, isNegated: Bool) {
        self.name = name
        test = ValueTest(rawValue: name)
        self.arguments = arguments
        self.isNegated = isNegated
    }
}

enum ArithmeticOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case modulo = "%"
    case power = "**"

    /// What a sum, a product or a power cannot be mixed with in one flat chain.
    var rank: Int {
        switch self {
        case .add, .subtract: 0
        case .multiply, .divide, .floorDivide, .modulo: 1
        case .power: 2
        }
    }
}

enum ComparisonOperator: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case contained = "in"
    case notContained = "not in"
}
