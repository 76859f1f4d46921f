/// A key of a dictionary, with Python's equality: `1`, `1.0` and `true` are one key, and so are tuples of them.
///
///     {1: "a", True: "b"}  ->  {1: "b"}
///
/// A key retains the provenance of its text. Equality and hash are of the text only, so that `message["role"]` of a
/// template finds the client's key.
enum DictionaryKey: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case text(ProvenanceText)
    case tuple([DictionaryKey])

    /// The key of a value; nil if Python cannot hash the value (lists, dictionaries). `Interpreter.key(from:)` makes
    /// the keys of tuples.
    init?(_ value: TemplateValue) {
        switch value {
        case .none: self = .none
        case .boolean(let value): self = .boolean(value)
        case .integer(let value, _): self = .integer(value)
        case .largeInteger(let digits):
            guard let number = Double(digits) else { return nil }
            self = .float(number)
        case .float(let value): self = .float(value)
        case .text(let text): self = .text(text)
        default: return nil
        }
    }

    /// The key as a value. A number counts as untrusted, because keys do not store the provenance of numbers.
    var value: TemplateValue {
        switch self {
        case .none: .none
        case .boolean(let value): .boolean(value)
        case .integer(let value): .integer(value, isTrusted: false)
        case .float(let value): .float(value)
        case .text(let text): .text(text)
        case .tuple(let items): .list(ListObject(items.map(\.value), kind: .tuple))
        }
    }

    /// The integer that decides equality; nil for other keys and for fractions.
    private var integer: Int? {
        switch self {
        case .boolean(let value): value ? 1 : 0
        case .integer(let value): value
        case .float(let value): Int(exactly: value)
        default: nil
        }
    }
}

extension DictionaryKey: Hashable {
    static func == (left: DictionaryKey, right: DictionaryKey) -> Bool {
        switch (left, right) {
        case (.none, .none): return true
        case (.text(let left), .text(let right)): return left == right
        case (.tuple(let left), .tuple(let right)): return left == right
        case (.float(let left), .float(let right)): return left == right
        default:
            guard let left = left.integer, let right = right.integer else { return false }
            return left == right
        }
    }

    func hash(into hasher: inout Hasher) {
        if let integer {
            hasher.combine(integer)
            return
        }
        switch self {
        case .float(let value): hasher.combine(value)
        case .text(let text): hasher.combine(text)
        case .tuple(let items): hasher.combine(items)
        default: break
        }
    }
}

extension Interpreter {
    /// Deepest nesting of tuples in a key. It bounds the recursion.
    private static let maximumKeyDepth = 32

    /// The key of a value.
    /// - Throws: Python's `TypeError: unhashable type` for lists and dictionaries; an error for tuples nested more
    ///   than 32 deep.
    func key(from value: TemplateValue, depth: Int = 0) throws(TemplateError) -> DictionaryKey {
        if case .list(let list) = value, list.kind == .tuple {
            guard depth < Self.maximumKeyDepth else {
                throw failure("a key is nested more than \(Self.maximumKeyDepth) deep")
            }
            try spend(steps: list.items.count)
            var keys: [DictionaryKey] = []
            keys.reserveCapacity(list.items.count)
            for item in list.items { keys.append(try key(from: item, depth: depth + 1)) }
            return .tuple(keys)
        }
        guard let key = DictionaryKey(value) else { throw failure("TypeError: unhashable type: '\(value.typeName)'") }
        return key
    }
}
