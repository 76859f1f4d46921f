/// An expression of a template.
///
/// Operators of one rank form one flat node: `a ~ b ~ c` is `.concatenation([a, b, c])`. So a long chain costs neither
/// depth of the tree nor of the stack.
indirect enum TemplateExpression: Sendable {
    /// A literal: trusted.
    case constant(Constant)
    /// A variable, by its number in the table of names.
    case variable(Int)
    /// `[a, b]`
    case list([TemplateExpression])
    /// `(a, b)`
    case tuple([TemplateExpression])
    /// `{a: b}`, in the order of the source.
    case dictionary([(key: TemplateExpression, value: TemplateExpression)])
    /// An operand with suffixes: `a.b[0](x) | f is t`.
    case postfix(TemplateExpression, [Suffix])
    /// `a + b - c`, or `a * b / c`: one rank per node.
    case arithmetic(TemplateExpression, [(operation: ArithmeticOperator, operand: TemplateExpression, line: Int)])
    /// `a ~ b`
    case concatenation([TemplateExpression])
    /// `a < b < c`
    case comparison(TemplateExpression, [(operation: ComparisonOperator, operand: TemplateExpression)], line: Int)
    /// `a and b`
    case and([TemplateExpression])
    /// `a or b`
    case or([TemplateExpression])
    /// `not a`
    case not(TemplateExpression)
    /// `-a`
    case negative(TemplateExpression, line: Int)
    /// `+a`
    case positive(TemplateExpression, line: Int)
    /// `then if condition else otherwise`; undefined if the condition is false and there is no `else`.
    case conditional(then: TemplateExpression, condition: TemplateExpression, otherwise: TemplateExpression?)
}

/// A literal value. Integers have 64 bits.
enum Constant: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case text(ProvenanceText)
}

/// A suffix of an operand. Its parts are classes, so that iterating over suffixes copies one reference each.
struct Suffix: Sendable {
    /// The kinds of suffixes.
    enum Kind: Sendable {
        /// `.name`
        case attribute(AttributeName)
        /// `[index]`
        case element(TemplateExpression)
        /// `[start:stop:step]`
        indirect case slice(start: TemplateExpression?, stop: TemplateExpression?, step: TemplateExpression?)
        /// `(arguments)`
        indirect case call(ArgumentList)
        /// `| filter(arguments)`
        case filter(FilterCall)
        /// `is test(arguments)`
        case test(TestCall)
    }
    /// The suffix itself.
    var kind: Kind
    /// The line, for errors of the evaluation.
    var line: Int
}

/// The name behind a dot, with everything it may mean, looked up once at parsing.
final class AttributeName: Sendable {
    /// The name as a key of dictionaries.
    let key: DictionaryKey
    let name: String
    /// The method of strings with this name; nil if there is none.
    let text: TextMethod?
    /// The method of lists with this name.
    let list: ListMethod?
    /// The method of dictionaries with this name.
    let dictionary: DictionaryMethod?

    /// Looks the name up in all tables.
    init(_ name: String) {
        self.name = name
        key = .text(ProvenanceText(name, isTrusted: true))
        text = TextMethod(rawValue: name)
        list = ListMethod(rawValue: name)
        dictionary = DictionaryMethod(rawValue: name)
    }
}

/// The arguments of a call in the source.
struct ArgumentList: Sendable {
    var positional: [TemplateExpression] = []
    var named: [(name: String, value: TemplateExpression)] = []
    /// `*expression`
    var morePositional: TemplateExpression?
    /// `**expression`
    var moreNamed: TemplateExpression?

    /// Whether the call has no arguments.
    var isEmpty: Bool { positional.isEmpty && named.isEmpty && morePositional == nil && moreNamed == nil }
}

/// A filter with its arguments.
final class FilterCall: Sendable {
    let name: String
    /// nil = unknown. That is an error only when the filter is reached, as in Jinja.
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

/// A test with its arguments.
final class TestCall: Sendable {
    let name: String
    /// nil = unknown. That is an error only when the test is reached.
    let test: ValueTest?
    let arguments: ArgumentList
    /// Whether it is `is not`.
    let isNegated: Bool

    init(name: String, arguments: ArgumentList, isNegated: Bool) {
        self.name = name
        test = ValueTest(rawValue: name)
        self.arguments = arguments
        self.isNegated = isNegated
    }
}

/// Operators of arithmetic, by their symbols.
enum ArithmeticOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case modulo = "%"
    case power = "**"

    /// Operators of different rank cannot stand in one flat node.
    var rank: Int {
        switch self {
        case .add, .subtract: 0
        case .multiply, .divide, .floorDivide, .modulo: 1
        case .power: 2
        }
    }
}

/// Operators of comparison, by their symbols.
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
