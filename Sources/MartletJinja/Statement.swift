/// A statement of a template. `indirect`, and immutable after parsing, so it is shared between threads.
indirect enum Statement: Sendable {
    /// Text outside tags: trusted.
    case text(ProvenanceText)
    /// `{{ expression }}`
    case output(TemplateExpression, line: Int)
    /// `{% if %}`, with one branch per condition.
    case conditional([(condition: TemplateExpression, line: Int, body: [Statement])], otherwise: [Statement])
    /// `{% for %}`
    case loop(Loop)
    /// `{% set target = expression %}`
    case set(AssignmentTarget, TemplateExpression, line: Int)
    /// `{% set target %}body{% endset %}`
    case setBlock(AssignmentTarget, filters: [FilterCall], body: [Statement], line: Int)
    /// `{% macro %}`: defines the macro when it is reached.
    case macro(MacroDefinition)
    /// `{% call(parameters) macro(arguments) %}`: the body becomes `caller` within the macro.
    case call(MacroDefinition, TemplateExpression, line: Int)
    /// `{% filter name %}body{% endfilter %}`
    case filter([FilterCall], body: [Statement], line: Int)
    /// `{% with %}`
    case with([(target: AssignmentTarget, value: TemplateExpression)], body: [Statement], line: Int)
    /// A body with its own variables that is written as it is: `{% generation %}`.
    case scope([Statement])
    /// `{% break %}`
    case leaveLoop
    /// `{% continue %}`
    case continueLoop
}

/// The target of an assignment by `set`, `for` and `with`.
indirect enum AssignmentTarget: Sendable {
    /// A variable, by its number.
    case variable(Int)
    /// An attribute of the namespace in the variable with this number.
    case attribute(Int, String)
    /// One target per item of the value.
    case tuple([AssignmentTarget])
}

/// A `for` loop. A class, so that copying a statement copies a reference.
final class Loop: Sendable {
    let target: AssignmentTarget
    /// The expression behind `in`.
    let sequence: TemplateExpression
    /// The expression behind `if`; nil = every item passes.
    let condition: TemplateExpression?
    let body: [Statement]
    /// The statements of `else`: for a sequence without items that pass.
    let otherwise: [Statement]
    /// Whether `loop(…)` may be called.
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

/// A macro, or the body of a call block as the macro `caller`.
final class MacroDefinition: Sendable {
    /// A parameter of a macro.
    struct Parameter: Sendable {
        var name: String
        var variable: Int
        /// Evaluated at each call without the argument; nil = the parameter is undefined then.
        var defaultValue: TemplateExpression?
    }
    let name: String
    /// The number of the variable that the macro is assigned to.
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
