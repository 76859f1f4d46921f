import OrderedCollections

/// Renders one template once.
///
/// Operations of values live in extensions; all of them fail through `failure(_:)`, which knows the line.
final class Interpreter {
    let names: NameTable
    let time: TemplateTime
    let conventions: JinjaTemplate.Conventions
    private let budget: TemplateBudget
    private var stepsLeft: Int
    private var memoryLeft: Int
    private var depth = 0
    /// How many loops are around what is evaluated.
    private(set) var loopDepth = 0
    /// Every object made, emptied at the end.
    private var heap: [HeapObject] = []

    /// Variables of the template's own level, by number: arguments, functions, what `set` wrote there.
    var globals: [TemplateValue?]
    /// Innermost variables; `nil` at the template's own level.
    var scope: VariableScope?
    var loop: LoopObject?
    /// What is being rendered: the result, or a macro's or block's text.
    var output = ProvenanceText.empty
    /// Bytes rendered into outputs around the current one.
    private var outerOutputBytes = 0
    /// Of what is being evaluated.
    var line = 1

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

    deinit {
        for object in heap { object.removeReferences() }
    }

    func failure(_ message: String) -> TemplateError { TemplateError(.evaluation, message, line: line) }

    /// Counts work; a step is about one evaluated node.
    func spend(steps: Int = 1) throws(TemplateError) {
        stepsLeft -= steps
        if stepsLeft < 0 {
            throw TemplateError(.budget, "the template takes more than \(budget.steps) steps", line: line)
        }
    }

    /// Counts memory before it is taken, and the time to fill it.
    func spend(bytes: Int) throws(TemplateError) {
        memoryLeft -= bytes
        if bytes < 0 || memoryLeft < 0 {
            throw TemplateError(.budget, "the template uses more than \(budget.memoryBytes) bytes", line: line)
        }
        try spend(steps: bytes >> 10)
    }

    func enter(levels: Int = 1) throws(TemplateError) {
        depth += levels
        if depth > budget.depth {
            throw TemplateError(.budget, "the template calls more than \(budget.depth) deep", line: line)
        }
    }

    func leave(levels: Int = 1) { depth -= levels }

    func register(_ object: HeapObject) { heap.append(object) }

    func makeList(_ items: [TemplateValue], kind: ListObject.Kind = .list) throws(TemplateError) -> TemplateValue {
        try spend(bytes: 32 * (items.count + 2))
        let list = ListObject(items, kind: kind == .generator && conventions == .server ? .list : kind)
        heap.append(list)
        return .list(list)
    }

    func makeDictionary(_ object: DictionaryObject) throws(TemplateError) -> TemplateValue {
        try spend(bytes: 64 * (object.members.count + 2))
        heap.append(object)
        return .dictionary(object)
    }

    func makeText(_ text: ProvenanceText) throws(TemplateError) -> TemplateValue {
        try spend(bytes: text.byteCount)
        return .text(text)
    }

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

    func set(_ number: Int, _ value: TemplateValue) {
        if let scope { scope[number] = value } else { globals[number] = value }
    }

    /// Appends to the text being rendered.
    func write(_ text: ProvenanceText) throws(TemplateError) {
        if outerOutputBytes + output.byteCount + text.byteCount > budget.outputBytes {
            throw TemplateError(.budget, "the template writes more than \(budget.outputBytes) bytes", line: line)
        }
        output.append(text)
    }

    /// What a call sets aside.
    struct Frame {
        fileprivate let output: ProvenanceText
        fileprivate let scope: VariableScope?
        fileprivate let loop: LoopObject?
    }

    /// Begins a text of its own, with `scope` as variables, inside of `loop`.
    func beginCall(scope: VariableScope?, loop: LoopObject?) -> Frame {
        let frame = Frame(output: output, scope: self.scope, loop: self.loop)
        outerOutputBytes += output.byteCount
        output = .empty
        self.scope = scope
        _ = enter(loop)
        return frame
    }

    func endCall(_ frame: Frame) {
        output = frame.output
        outerOutputBytes -= output.byteCount
        scope = frame.scope
        _ = enter(frame.loop)
    }

    /// What `body` writes, as a text of its own.
    func capture(_ body: () throws(TemplateError) -> Void) throws(TemplateError) -> ProvenanceText {
        let frame = beginCall(scope: scope, loop: loop)
        defer { endCall(frame) }
        try body()
        try spend(bytes: output.byteCount)
        return output
    }

    /// Runs `body` with variables of its own inside of `parent`.
    func inScope(of parent: VariableScope?, _ body: () throws(TemplateError) -> Void) throws(TemplateError) {
        let outer = scope
        scope = VariableScope(parent: parent)
        defer { scope = outer }
        try body()
    }

    /// Makes `loop` the innermost; returns the one before.
    func enter(_ loop: LoopObject?) -> LoopObject? {
        let outer = self.loop
        self.loop = loop
        loopDepth = loop.map { $0.depth + 1 } ?? 0
        return outer
    }
}
