internal import Hummingbird

/// Answers each request in a task of its own, which ends before the response's body is written.
///
/// A task keeps all the stack that it ever needed, and a connection's task lives as long as its longest stream. So the 17 KiB
/// that routing and middleware take are given back while a stream is open.
struct BriefResponder<Base: HTTPResponder>: HTTPResponder where Base.Context: Sendable {
    let base: Base

    func respond(to request: Request, context: Base.Context) async throws -> Response {
        let task = Task { try await base.respond(to: request, context: context) }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}
