import Llama
import MartletGrammar
import MartletProtocol

/// Changes settings of a sequence, from the next token on.
struct SetCommand: EngineCommand {
    static let requirement = CommandRequirement.knownTokens

    /// The wanted change.
    let change: SettingsChange
    /// The tokens of the change's texts, or why there are none.
    let resolved: Result<ResolvedChange, EngineError>

    /// The change with the grammar that is in effect, and what follows from it.
    struct Plan {
        var change: SettingsChange
        var resolved: ResolvedChange
        /// The compiled grammar; `nil` = no grammar, or no change of it.
        var constraint: CompiledConstraint?
        /// The sampler for changed parameters; `nil` = the present sampler stays.
        var sampler: Sampler?
    }

    func validate(_ target: CommandTarget, in engine: EngineCore) throws(ControlRefusal) -> Plan {
        let sequence = target.sequence
        if change.keys.contains(.reasoningBudget), sequence.reasoning == nil { throw .noReasoningDelimiters }
        return try ControlRefusal.wrapping { () throws(EngineError) -> Plan in
            var plan = Plan(change: change, resolved: ResolvedChange())
            plan.constraint = try constraint(in: &plan.change, for: sequence, engine)
            plan.resolved = try resolved.get()
            var new = sequence.settings
            new.apply(plan.change)
            if new.sampling != sequence.settings.sampling {
                var tokens = sequence.samplingTokens
                tokens.apply(plan.resolved)
                plan.sampler = tokens.sampler(
                    for: new.sampling, vocabularySize: engine.loaded.vocabulary.count)
            }
            return plan
        }
    }

    func apply(_ plan: Plan, to target: CommandTarget, in engine: EngineCore) {
        let sequence = target.sequence
        var old = sequence.settings
        // A grammar can be large, and no client reads the old one.
        if !plan.change.keys.contains(.constraint) { old.constraint = nil }
        if let sampler = plan.sampler { sequence.sampler = sampler }
        sequence.change(plan.change, plan.resolved)
        if plan.change.keys.contains(.constraint) {
            sequence.constrain(to: plan.constraint, engine.newMatcher(for: plan.constraint))
        }
        engine.reportApplied(.changed(plan.change, old: old), to: target)
        // A smaller reasoning budget may be exhausted already.
        if sequence.hasBegun { engine.applyDueCommands(sequence) }
    }

    /// Makes the grammar of the change, if it has one, effective from the next token on. Reasoning that is still to
    /// come is exempt.
    private func constraint(
        in change: inout SettingsChange, for sequence: EngineSequence, _ engine: EngineCore
    ) throws(EngineError) -> CompiledConstraint? {
        guard change.keys.contains(.constraint) else { return nil }
        change.values.constraintStart = sequence.newConstraintStart(in: engine.loaded.vocabulary)
        guard let wanted = change.values.constraint else { return nil }
        guard sequence.pendingCommands.injections.isEmpty else {
            throw EngineError(
                .invalidRequest, "Field 'changes.grammar': Injections wait for their moment, which no grammar allows")
        }
        if let reasoning = sequence.reasoning, let rule = sequence.prepared.reasoning?.rule,
            reasoning.phase != .content
        {
            do throws(GrammarError) {
                change.values.constraint = GenerationConstraint(
                    try wanted.grammar.afterReasoning(
                        from: rule.start, to: rule.end, isOpen: reasoning.phase == .reasoning))
            } catch {
                throw EngineError(.invalidRequest, "Field 'changes.grammar': \(error)")
            }
        }
        return try engine.loaded.constraints.compile(change.values.constraint)
    }
}
