import OrderedCollections

/// What a template computes with: Python's values, as far as chat templates know them.
///
/// Numbers know whether they came with a request, as a template may print one into a marker.
enum TemplateValue {
    case undefined(UndefinedReason)
    case none
    case boolean(Bool)
    case integer(Int, isTrusted: Bool)
    /// An integer of a request that `Int` does not hold, in digits. Printed as it is, as untrusted text; a double in
    /// arithmetic.
    case largeInteger(String)
    /// Printed as untrusted text.
    case float(Double)
    case text(ProvenanceText)
    case list(ListObject)
    case dictionary(DictionaryObject)
    case namespace(NamespaceObject)
    case callable(Callable)
    case loop(LoopObject)

    static func text(_ string: String, isTrusted: Bool) -> TemplateValue {
        .text(ProvenanceText(string, isTrusted: isTrusted))
    }
    static func integer(_ value: Int) -> TemplateValue { .integer(value, isTrusted: true) }

    init(_ constant: Constant) {
        switch constant {
        case .none: self = .none
        case .boolean(let value): self = .boolean(value)
        case .integer(let value): self = .integer(value)
        case .float(let value): self = .float(value)
        case .text(let value): self = .text(value)
        }
    }

    var isUndefined: Bool { if case .undefined = self { true } else { false } }
    var isNone: Bool { if case .none = self { true } else { false } }

    /// Truth as Python has it.
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

    /// The name of its type in Python, as error messages have it.
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

/// Why a value is missing; becomes the message when the template uses it all the same.
enum UndefinedReason {
    case variable(String)
    case attribute(of: String, name: String)
    case element(of: String, description: String)
    case parameter(String)
    case hint(String)

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

/// Something a template can call.
indirect enum Callable {
    case macro(MacroObject)
    case global(GlobalFunction)
    case method(of: TemplateValue, MethodName)
    case cycler(ListObject)
    case joiner(ListObject)
}

/// A method bound to a value; which enumeration it is from follows from the value.
enum MethodName {
    case text(TextMethod)
    case list(ListMethod)
    case dictionary(DictionaryMethod)
    /// Of a loop.
    case cycle
    case changed
    /// Of a cycler.
    case next
}
