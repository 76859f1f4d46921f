/// What a template computes.
///
/// Chains of operators of one rank are flat, so that neither a long chain nor its evaluation costs depth.
indirect enum TemplateExpression: Sendable {
    case constant(Constant)
    /// By its number in the template's table of names.
    case variable(Int)
    case list([TemplateExpression])
    case tuple([TemplateExpression])
    case dictionary([(key: TemplateExpression, value: TemplateExpression)])
    case postfix(TemplateExpression, [Suffix])
    case arithmetic(TemplateExpression, [(operation: ArithmeticOperator, operand: TemplateExpression, line: Int)])
    case concatenation([TemplateExpression])
    case comparison(TemplateExpression, [(operation: ComparisonOperator, operand: TemplateExpression)], line: Int)
    case and([TemplateExpression])
    case or([TemplateExpression])
    case not(TemplateExpression)
    case negative(TemplateExpression, line: Int)
    case positive(TemplateExpression, line: Int)
    /// `then if condition else otherwise`; undefined when the condition fails and there is no `else`.
    case conditional(then: TemplateExpression, condition: TemplateExpression, otherwise: TemplateExpression?)
}

enum Constant: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case text(ProvenanceText)
}

/// What follows an operand (classes, so that walking over them copies one reference each): `.name`, `[index]`,
/// `(arguments)`, `| filter`, `is test`.
struct Suffix: Sendable {
    enum Kind: Sendable {
        case attribute(AttributeName)
        case element(TemplateExpression)
        indirect case slice(start: TemplateExpression?, stop: TemplateExpression?, step: TemplateExpression?)
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
        key = .text(ProvenanceText(name, isTrusted: true))
        text = TextMethod(rawValue: name)
        list = ListMethod(rawValue: name)
        dictionary = DictionaryMethod(rawValue: name)
    }
}

struct ArgumentList: Sendable {
    var positional: [TemplateExpression] = []
    var named: [(name: String, value: TemplateExpression)] = []
    /// `*expression`
    var morePositional: TemplateExpression?
    /// `**expression`
    var moreNamed: TemplateExpression?

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
