internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletStreams
internal import NIOCore

/// `GET /v1/realtime`: a WebSocket for generations and control commands.
///
/// A class, because its sessions share its properties.
final class RealtimeRoute: Sendable {
    let completions: CompletionRoutes
    let control: ControlService
    let loops: ReaderLoops
    private let opening: SocketOpening

    init(
        configuration: ServerConfiguration, completions: CompletionRoutes, control: ControlService, loops: ReaderLoops
    ) {
        self.completions = completions
        self.control = control
        self.loops = loops
        opening = SocketOpening(configuration, loops: loops)
    }

    func add(to table: inout RouteTable) {
        table.add(.get, "/v1/realtime") { [self] request, context in
            opening.respond(to: request, context) {
                let session = RealtimeSession(
                    of: self, owner: context.requestInfo.owner,
                    mayRaisePriority: context.requestInfo.mayRaisePriority, channel: context.channel)
                return { await session.receive($0) }
            }
        }
    }
}
