import OrderedCollections

/// A value of a template: Python's values, as far as chat templates use them.
///
/// Lists, dictionaries and the like are references, as in Python: `a = b` followed by `b.append(1)` changes `a`.
/// Integers store their provenance, because a template may print a client's number into a delimiter.
enum TemplateValue {
    /// A missing value. It prints as nothing and is false; most other uses fail with the reason.
    case undefined(UndefinedReason)
    /// `none`
    case none
    /// `true` or `false`
    case boolean(Bool)
    /// An integer of 64 bits, and whether the template's author wrote it.
    case integer(Int, isTrusted: Bool)
    /// An integer of a request beyond 64 bits, as its digits. Printed as they are, untrusted; in arithmetic it is a
    /// double.
    case largeInteger(String)
    /// Printed as untrusted text.
    case float(Double)
    /// A string.
    case text(ProvenanceText)
    /// A list, tuple, range, generator or view of a dictionary.
    case list(ListObject)
    /// A dictionary.
    case dictionary(DictionaryObject)
    /// The result of `namespace()`.
    case namespace(NamespaceObject)
    /// A macro, function or method.
    case callable(Callable)
    /// The variable `loop`.
    case loop(LoopObject)

    /// A string of one provenance.
    static func text(_ string: String, isTrusted: Bool) -> TemplateValue {
        .text(ProvenanceText(string, isTrusted: isTrusted))
    }
    /// A trusted integer: a literal, or a count that no client influences.
    static func integer(_ value: Int) -> TemplateValue { .integer(value, isTrusted: true) }

    /// The value of a literal.
    init(_ constant: Constant) {
        switch constant {
        case .none: self = .none
        case .boolean(let value): self = .boolean(value)
        case .integer(let value): self = .integer(value)
        case .float(let value): self = .float(value)
        case .text(let value): self = .text(value)
        }
    }

    /// Whether the value is undefined.
    var isUndefined: Bool { if case .undefined = self { true } else { false } }
    /// Whether the value is `none`.
    var isNone: Bool { if case .none = self { true } else { false } }

    /// Python's truth: empty, zero, `none` and undefined are false. A generator is true, even if it is empty.
    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .boolean(let value): value
        case .integer(let value, _): value != 0
        case .largeInteger: true
        case .float(let value): value != 0
        case .text(let text): !text.isEmpty
        case .list(let list): list.kind == .generator || !list.items.isEmpty
        case .dictionary(let dictionary): !dictionary.members.isEmpty
        case .namespace, .callable, .loop: true
        }
    }

    /// The type's name in Python, as it stands in Python's error messages.
    var typeName: String {
        switch self {
        case .undefined: "Undefined"
        case .none: "NoneType"
        case .boolean: "bool"
        case .integer, .largeInteger: "int"
        case .float: "float"
        case .text: "str"
        case .list(let list): list.kind.rawValue
        case .dictionary: "dict"
        case .namespace: "Namespace"
        case .callable(.macro): "Macro"
        case .callable(.method): "builtin_function_or_method"
        case .callable: "function"
        case .loop: "LoopContext"
        }
    }
}

/// The reason why a value is undefined. It becomes the error message when the template uses the value all the same.
enum UndefinedReason {
    /// No variable has this name.
    case variable(String)
    /// The type has no attribute or member with this name.
    case attribute(of: String, name: String)
    /// The container has no such element.
    case element(of: String, description: String)
    /// The macro was called without this argument.
    case parameter(String)
    /// Another reason, as a sentence.
    case hint(String)

    /// Jinja's message for the reason.
    var message: String {
        switch self {
        case .variable(let name): "'\(name)' is undefined"
        case .attribute(let owner, let name):
            owner == "NoneType" ? "'None' has no attribute '\(name)'" : "'\(owner) object' has no attribute '\(name)'"
        case .element(let owner, let description):
            "\(owner == "NoneType" ? "None" : "\(owner) object") has no element \(description)"
        case .parameter(let name): "parameter '\(name)' was not provided"
        case .hint(let text): text
        }
    }
}

/// A value that a template can call.
indirect enum Callable {
    /// `{% macro %}`
    case macro(MacroObject)
    /// A function of every template.
    case global(GlobalFunction)
    /// A method bound to its value: `text.strip`.
    case method(of: TemplateValue, MethodName)
    /// The result of `cycler(…)`: the list of its items, the current one first.
    case cycler(ListObject)
    /// The result of `joiner(…)`: its separator; a second item after the first call.
    case joiner(ListObject)
}

/// A method of a value. The value's type decides which enumeration applies.
enum MethodName {
    case text(TextMethod)
    case list(ListMethod)
    case dictionary(DictionaryMethod)
    /// `loop.cycle`
    case cycle
    /// `loop.changed`
    case changed
    /// `cycler.next`
    case next
}
