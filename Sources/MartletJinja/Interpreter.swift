import OrderedCollections

/// Renders one template once.
///
/// State of one rendering: variables, output, and what is left of the budget. The operations on values are in
/// extensions, one file per topic (`design.md` lists them). All of them fail through `failure(_:)`, which knows the
/// current line.
///
/// Not `Sendable`: an interpreter lives on the thread of its `render` call.
final class Interpreter {
    /// The names of all variables; an index in this table stands for a variable.
    let names: NameTable
    /// The time of `strftime_now`.
    let time: TemplateTime
    /// Whether Python's or llama-server's behaviour applies where they differ.
    let conventions: JinjaTemplate.Conventions
    /// The limits of this rendering.
    private let budget: TemplateBudget
    /// The steps that are left of `budget.steps`. Negative once the budget is exhausted.
    private var stepsLeft: Int
    /// The bytes that are left of `budget.memoryBytes`. The number never grows: freed values are not credited.
    private var memoryLeft: Int
    /// The current nesting of evaluations.
    private var depth = 0
    /// The number of loops around the current evaluation.
    private(set) var loopDepth = 0
    /// Every object that was made. `deinit` empties them, so that cycles are freed and long chains are not freed
    /// recursively.
    private var heap: [HeapObject] = []

    /// The variables of the template's outermost level, by number: arguments, functions, and `set` outside of scopes.
    var globals: [TemplateValue?]
    /// The innermost scope; nil at the outermost level.
    var scope: VariableScope?
    /// The innermost loop, which `loop` refers to.
    var loop: LoopObject?
    /// The text so far: of the result, of a macro, or of a captured block.
    var output = ProvenanceText.empty
    /// The bytes in outputs around the current one. They count against `budget.outputBytes` as well.
    private var outerOutputBytes = 0
    /// The line of the current evaluation, from 1.
    var line = 1

    /// An interpreter whose only variables are the global functions that the template names.
    init(names: NameTable, time: TemplateTime, conventions: JinjaTemplate.Conventions, budget: TemplateBudget) {
        self.names = names
        self.time = time
        self.conventions = conventions
        self.budget = budget
        stepsLeft = budget.steps
        memoryLeft = budget.memoryBytes
        globals = Array(repeating: nil, count: names.names.count)
        for function in GlobalFunction.allCases {
            if let number = names.number(ofKnown: function.rawValue) { globals[number] = .callable(.global(function)) }
        }
    }

    /// Breaks all references between objects.
    deinit {
        for object in heap { object.removeReferences() }
    }

    /// An evaluation error at the current line.
    func failure(_ message: String) -> TemplateError { TemplateError(.evaluation, message, line: line) }

    /// Counts steps before the work is done. One step is about one evaluated node.
    /// - Throws: `budget` if fewer steps are left.
    func spend(steps: Int = 1) throws(TemplateError) {
        stepsLeft -= steps
        if stepsLeft < 0 {
            throw TemplateError(.budget, "the template needs more than \(budget.steps) steps", line: line)
        }
    }

    /// Counts bytes before they are allocated, and the steps to fill them, one per 1024 bytes.
    /// - Throws: `budget` if fewer bytes are left, or for a negative number, which stands for an overflow.
    func spend(bytes: Int) throws(TemplateError) {
        memoryLeft -= bytes
        if bytes < 0 || memoryLeft < 0 {
            throw TemplateError(.budget, "the template uses more than \(budget.memoryBytes) bytes", line: line)
        }
        try spend(steps: bytes >> 10)
    }

    /// Enters nested levels.
    /// - Throws: `budget` beyond `budget.depth`. The stack of a thread is the scarce resource here.
    func enter(levels: Int = 1) throws(TemplateError) {
        depth += levels
        if depth > budget.depth {
            throw TemplateError(
                .budget, "the evaluation of the template is nested more than \(budget.depth) deep", line: line)
        }
    }

    /// Leaves nested levels.
    func leave(levels: Int = 1) { depth -= levels }

    /// Adds an object that must be emptied at the end.
    func register(_ object: HeapObject) { heap.append(object) }

    /// A list value, counted against the budget. Under `Conventions.server` generators are lists.
    func makeList(_ items: [TemplateValue], kind: ListObject.Kind = .list) throws(TemplateError) -> TemplateValue {
        try spend(bytes: 32 * (items.count + 2))
        let list = ListObject(items, kind: kind == .generator && conventions == .server ? .list : kind)
        heap.append(list)
        return .list(list)
    }

    /// A dictionary value, counted against the budget.
    func makeDictionary(_ object: DictionaryObject) throws(TemplateError) -> TemplateValue {
        try spend(bytes: 64 * (object.members.count + 2))
        heap.append(object)
        return .dictionary(object)
    }

    /// A text value, counted against the budget.
    func makeText(_ text: ProvenanceText) throws(TemplateError) -> TemplateValue {
        try spend(bytes: text.byteCount)
        return .text(text)
    }

    /// The value of a variable: the innermost scope first, then the outermost level. A missing variable is undefined.
    /// - Complexity: linear in the nesting of scopes and their variables; both are small in templates.
    func variable(_ number: Int) -> TemplateValue {
        var current = scope
        while let scope = current {
            if let value = scope[number] { return value }
            current = scope.parent
        }
        if let value = globals[number] { return value }
        let name = names.names[number]
        if name == "loop", let loop { return .loop(loop) }
        return .undefined(.variable(name))
    }

    /// Sets a variable in the innermost scope.
    func set(_ number: Int, _ value: TemplateValue) {
        if let scope { scope[number] = value } else { globals[number] = value }
    }

    /// Appends to the current output.
    /// - Throws: `budget` if all outputs together exceed `budget.outputBytes`.
    func write(_ text: ProvenanceText) throws(TemplateError) {
        if outerOutputBytes + output.byteCount + text.byteCount > budget.outputBytes {
            throw TemplateError(.budget, "the template writes more than \(budget.outputBytes) bytes", line: line)
        }
        output.append(text)
    }

    /// The state of a caller, which `endCall` restores.
    struct Frame {
        fileprivate let output: ProvenanceText
        fileprivate let scope: VariableScope?
        fileprivate let loop: LoopObject?
    }

    /// Begins a call: a new output, `scope` for variables, `loop` as the innermost loop.
    func beginCall(scope: VariableScope?, loop: LoopObject?) -> Frame {
        let frame = Frame(output: output, scope: self.scope, loop: self.loop)
        outerOutputBytes += output.byteCount
        output = .empty
        self.scope = scope
        _ = enter(loop)
        return frame
    }

    /// Ends a call: restores the state of the caller. The caller has taken `output` before.
    func endCall(_ frame: Frame) {
        output = frame.output
        outerOutputBytes -= output.byteCount
        scope = frame.scope
        _ = enter(frame.loop)
    }

    /// The text that `body` writes. It goes into a value and not into the output.
    func capture(_ body: () throws(TemplateError) -> Void) throws(TemplateError) -> ProvenanceText {
        let frame = beginCall(scope: scope, loop: loop)
        defer { endCall(frame) }
        try body()
        try spend(bytes: output.byteCount)
        return output
    }

    /// Runs `body` in a new scope within `parent`.
    func inScope(of parent: VariableScope?, _ body: () throws(TemplateError) -> Void) throws(TemplateError) {
        let outer = scope
        scope = VariableScope(parent: parent)
        defer { scope = outer }
        try body()
    }

    /// Makes `loop` the innermost loop. Returns the previous one.
    func enter(_ loop: LoopObject?) -> LoopObject? {
        let outer = self.loop
        self.loop = loop
        loopDepth = loop.map { $0.depth + 1 } ?? 0
        return outer
    }
}
