/// What a template does.
indirect enum Statement: Sendable {
    case text(ProvenanceText)
    case output(TemplateExpression, line: Int)
    case conditional([(condition: TemplateExpression, line: Int, body: [Statement])], otherwise: [Statement])
    case loop(Loop)
    case set(AssignmentTarget, TemplateExpression, line: Int)
    case setBlock(AssignmentTarget, filters: [FilterCall], body: [Statement], line: Int)
    case macro(MacroDefinition)
    /// `{% call(parameters) macro(arguments) %}`: the body becomes `caller` of the called macro.
    case call(MacroDefinition, TemplateExpression, line: Int)
    case filter([FilterCall], body: [Statement], line: Int)
    case with([(target: AssignmentTarget, value: TemplateExpression)], body: [Statement], line: Int)
    /// A body with variables of its own that is rendered as it stands (`generation`).
    case scope([Statement])
    case leaveLoop
    case continueLoop
}

/// What `set` and `for` write to.
indirect enum AssignmentTarget: Sendable {
    case variable(Int)
    case attribute(Int, String)
    case tuple([AssignmentTarget])
}

final class Loop: Sendable {
    let target: AssignmentTarget
    let sequence: TemplateExpression
    let condition: TemplateExpression?
    let body: [Statement]
    let otherwise: [Statement]
    let isRecursive: Bool
    let line: Int

    init(
        target: AssignmentTarget, sequence: TemplateExpression, condition: TemplateExpression?, body: [Statement],
        otherwise: [Statement], isRecursive: Bool, line: Int
    ) {
        self.target = target
        self.sequence = sequence
        self.condition = condition
        self.body = body
        self.otherwise = otherwise
        self.isRecursive = isRecursive
        self.line = line
    }
}

final class MacroDefinition: Sendable {
    struct Parameter: Sendable {
        var name: String
        var variable: Int
        var defaultValue: TemplateExpression?
    }
    let name: String
    let variable: Int
    let parameters: [Parameter]
    let body: [Statement]
    let line: Int

    init(name: String, variable: Int, parameters: [Parameter], body: [Statement], line: Int) {
        self.name = name
        self.variable = variable
        self.parameters = parameters
        self.body = body
        self.line = line
    }
}
