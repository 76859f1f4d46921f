import OrderedCollections

/// The base class of values that a template refers to.
///
/// The interpreter registers each object and empties it when the rendering ends. So neither a cycle
/// (`list.append(list)`) nor a deep structure outlives the rendering, and no chain is freed recursively, which would
/// overflow the stack.
class HeapObject {
    /// Drops the references to other objects. Each subclass overrides it.
    func removeReferences() {}
}

/// A list, a tuple, or another sequence of Python's functions.
final class ListObject: HeapObject {
    /// The type, by Python's name.
    enum Kind: String {
        case list
        case tuple
        /// The result of `map` and the like: it can be iterated once.
        case generator
        case range
        case keys = "dict_keys"
        case values = "dict_values"
        case items = "dict_items"
    }
    /// The type of the sequence.
    let kind: Kind
    /// The items. Only a `list` is changed by methods; a `generator` loses them when it is consumed.
    var items: [TemplateValue]

    init(_ items: [TemplateValue], kind: Kind = .list) {
        self.items = items
        self.kind = kind
    }

    /// Whether the sequence has a length.
    var isSized: Bool { kind != .generator }
    /// Whether the sequence can be indexed.
    var isSequence: Bool { kind == .list || kind == .tuple || kind == .range }

    override func removeReferences() { items = [] }
}

/// A dictionary. Members are in the order of their insertion, as in Python since 3.7.
final class DictionaryObject: HeapObject {
    var members: OrderedDictionary<DictionaryKey, TemplateValue>

    init(_ members: OrderedDictionary<DictionaryKey, TemplateValue> = [:]) { self.members = members }

    override func removeReferences() { members = [:] }
}

/// The result of `namespace()`: an object whose attributes `set` can change. A loop's variables cannot leave the loop;
/// these can.
final class NamespaceObject: HeapObject {
    var attributes: OrderedDictionary<String, TemplateValue> = [:]

    override func removeReferences() { attributes = [:] }
}

/// A macro, or the body of a call block, with the scope in which it was defined.
final class MacroObject: HeapObject {
    let definition: MacroDefinition
    /// The scope; nil = the outermost level.
    private(set) var scope: VariableScope?
    /// The loop around the definition, which `loop` in the body refers to.
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

/// The variables of an iteration, a macro call or a block, within an outer scope.
///
/// A list and not a dictionary, because most scopes have fewer than eight variables.
final class VariableScope: HeapObject {
    /// The scope around this one; nil = the outermost level.
    private(set) var parent: VariableScope?
    private var variables: [(number: Int, value: TemplateValue)] = []

    init(parent: VariableScope?) { self.parent = parent }

    /// The value of a variable; nil if this scope does not have it. Setting nil has no effect.
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

    /// Removes the variables and retains their memory for the next iteration.
    func removeVariables() { variables.removeAll(keepingCapacity: true) }

    override func removeReferences() {
        parent = nil
        variables = []
    }
}

/// The value of `loop` inside a loop.
final class LoopObject: HeapObject {
    let loop: Loop
    /// All items, so that `loop.last` and `loop.nextitem` are known.
    private(set) var items: [TemplateValue]
    /// The index of the current item, from 0.
    var index = 0
    /// The number of loops around this one.
    let depth: Int
    /// The scope around the loop, in which `loop(…)` renders the body again.
    private(set) var scope: VariableScope?
    /// The loop around this one; nil if there is none.
    private(set) var outer: LoopObject?
    /// The arguments of the last call of `changed`.
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
