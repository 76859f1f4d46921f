import OrderedCollections

/// Base of what a template can hold by reference.
///
/// The interpreter knows every object it made and empties it when the rendering ends, so that neither a cycle nor a
/// very deep structure outlives the rendering or is freed recursively.
class HeapObject {
    func removeReferences() {}
}

/// A list, a tuple, or what Python's functions return in place of a list.
final class ListObject: HeapObject {
    /// Python's name of the type.
    enum Kind: String {
        case list
        case tuple
        /// Can be walked through once.
        case generator
        case range
        case keys = "dict_keys"
        case values = "dict_values"
        case items = "dict_items"
    }
    let kind: Kind
    var items: [TemplateValue]

    init(_ items: [TemplateValue], kind: Kind = .list) {
        self.items = items
        self.kind = kind
    }

    /// Whether it has a length.
    var isSized: Bool { kind != .generator }
    /// Whether it can be indexed.
    var isSequence: Bool { kind == .list || kind == .tuple || kind == .range }

    override func removeReferences() { items = [] }
}

final class DictionaryObject: HeapObject {
    var members: OrderedDictionary<DictionaryKey, TemplateValue>

    init(_ members: OrderedDictionary<DictionaryKey, TemplateValue> = [:]) { self.members = members }

    override func removeReferences() { members = [:] }
}

/// What `namespace()` makes: attributes that `set` can write.
final class NamespaceObject: HeapObject {
    var attributes: OrderedDictionary<String, TemplateValue> = [:]

    override func removeReferences() { attributes = [:] }
}

/// A macro, or the body of a call block, with the variables it sees.
final class MacroObject: HeapObject {
    let definition: MacroDefinition
    /// `nil` for the template's own level.
    private(set) var scope: VariableScope?
    /// The loop inside which it was made, for `loop`.
    private(set) var loop: LoopObject?

    init(_ definition: MacroDefinition, scope: VariableScope?, loop: LoopObject?) {
        self.definition = definition
        self.scope = scope
        self.loop = loop
    }

    override func removeReferences() {
        scope = nil
        loop = nil
    }
}

/// The variables of a loop's turn, a macro's call or a block, inside of others.
final class VariableScope: HeapObject {
    private(set) var parent: VariableScope?
    private var variables: [(number: Int, value: TemplateValue)] = []

    init(parent: VariableScope?) { self.parent = parent }

    subscript(number: Int) -> TemplateValue? {
        get {
            for variable in variables where variable.number == number { return variable.value }
            return nil
        }
        set {
            guard let newValue else { return }
            for index in variables.indices where variables[index].number == number {
                variables[index].value = newValue
                return
            }
            variables.append((number, newValue))
        }
    }

    func removeVariables() { variables.removeAll(keepingCapacity: true) }

    override func removeReferences() {
        parent = nil
        variables = []
    }
}

/// What `loop` is inside a loop.
final class LoopObject: HeapObject {
    let loop: Loop
    private(set) var items: [TemplateValue]
    var index = 0
    /// From 0.
    let depth: Int
    /// The variables around the loop, in which `loop(…)` renders its body again.
    private(set) var scope: VariableScope?
    /// The loop around this one.
    private(set) var outer: LoopObject?
    /// What `changed` was last called with.
    var lastChanged: [TemplateValue]?

    init(_ loop: Loop, items: [TemplateValue], depth: Int, scope: VariableScope?, outer: LoopObject?) {
        self.loop = loop
        self.items = items
        self.depth = depth
        self.scope = scope
        self.outer = outer
    }

    override func removeReferences() {
        items = []
        scope = nil
        outer = nil
        lastChanged = nil
    }
}
