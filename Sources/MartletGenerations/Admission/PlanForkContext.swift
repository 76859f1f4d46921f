internal import MartletProtocol
internal import MartletStreams

/// The part of a running generation's plan that control commands need.
///
/// Thread: any. The prompt of a turn is made with the model that is loaded at the time of the command.
struct PlanForkContext: ForkContext {
    let spec: GenerationSpec
    let plan: CompletionPlan
    let service: CompletionService
    let handle: ModelHandle

    func makeForkSpec() -> GenerationSpec { service.forkSpec(of: spec, plan, handle) }

    func turnPrompt(of role: String, content: String) throws(GenerationError) -> Prompt {
        guard let chat = try plan.loadChat() else {
            throw .field("role", "A plain completion has no turns; leave the role out")
        }
        return try handle.readyModel().turnPrompt(of: role, content: content, in: chat)
    }
}
