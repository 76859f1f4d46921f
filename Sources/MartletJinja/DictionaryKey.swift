/// A key of a dictionary, equal to others as in Python: `1`, `1.0` and `true` are the same key, and so are tuples of
/// them.
///
/// A key keeps the provenance of its text; equality is of the text alone.
enum DictionaryKey: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case text(ProvenanceText)
    case tuple([DictionaryKey])

    /// `nil` for values that Python cannot hash, and for tuples: `Interpreter.key(from:)` makes their keys.
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

    /// A number as a key counts as untrusted: keys do not remember.
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

    /// The number that decides equality; `nil` for keys that are not numbers, and for fractions.
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
    /// Deepest nesting of a tuple that is a key.
    private static let maximumKeyDepth = 32

    /// - Throws: for what Python cannot hash, in its words, and for tuples nested more than 32 deep.
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
