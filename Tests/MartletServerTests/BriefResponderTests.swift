import HTTPTypes
import Hummingbird
import Logging
import NIOEmbedded
import Synchronization
import Testing

@testable import MartletServer

@Suite(.timeLimit(.minutes(1))) struct BriefResponderTests {
    /// What a responder holds on to.
    private final class Held: Sendable {
        let wasCancelled = Mutex(false)
    }

    /// Responds when its task is cancelled, and not before.
    private struct Waiting: HTTPResponder {
        let held: Held
        let begun: AsyncStream<Void>.Continuation

        func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
            begun.yield()
            let (nothing, _) = AsyncStream<Void>.makeStream()
            for await _ in nothing {}
            held.wasCancelled.withLock { $0 = Task.isCancelled }
            throw CancellationError()
        }
    }

    @Test func whoIsCancelledWhileTheResponseIsMadeLeavesNothing() async throws {
        let (beginnings, begun) = AsyncStream<Void>.makeStream()
        weak var left: Held?
        do {
            let held = Held()
            left = held
            let responder = BriefResponder(base: Waiting(held: held, begun: begun))
            let request = Request(
                head: HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/"),
                body: RequestBody(buffer: .init()))
            let context = BasicRequestContext(
                source: ApplicationRequestContextSource(
                    channel: EmbeddedChannel(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
            let task = Task { try await responder.respond(to: request, context: context) }
            for await _ in beginnings { break }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(held.wasCancelled.withLock { $0 })
        }
        // The task inside may still be on its way out.
        while left != nil { await Task.yield() }
    }
}
