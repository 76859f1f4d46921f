internal import ServiceLifecycle
internal import Synchronization

/// The parts of a server that are still running, for the message about an overdue shutdown.
///
/// Thread: any.
final class RunningParts: Sendable {
    private struct Request {
        var name: String
        var begin: ContinuousClock.Instant
    }
    private struct State {
        var services: [String] = []
        var requests: [UInt64: Request] = [:]
        var lastRequest: UInt64 = 0
    }
    private let state = Mutex(State())
    /// The most requests that the message names; the others are counted.
    private static let namedRequests = 5

    /// Runs a part of the server under a name.
    func run<Result>(_ name: String, _ body: () async throws -> Result) async rethrows -> Result {
        state.withLock { $0.services.append(name) }
        defer {
            state.withLock { state in
                if let index = state.services.firstIndex(of: name) { state.services.remove(at: index) }
            }
        }
        return try await body()
    }

    /// A request begins.
    /// - Returns: the number to pass to `endRequest`.
    func beginRequest(_ name: String) -> UInt64 {
        state.withLock { state in
            state.lastRequest += 1
            state.requests[state.lastRequest] = Request(name: name, begin: .now)
            return state.lastRequest
        }
    }

    /// The request's task has ended.
    func endRequest(_ number: UInt64) { state.withLock { $0.requests[number] = nil } }

    /// The names of services, then of requests, the longest-running first.
    func description(at now: ContinuousClock.Instant = .now) -> String {
        let (services, requests) = state.withLock { ($0.services, $0.requests.values.sorted { $0.begin < $1.begin }) }
        let named = requests.prefix(Self.namedRequests).map { request in
            "\(request.name) for \(request.begin.duration(to: now).components.seconds) s"
        }
        let more = requests.count > named.count ? ["\(requests.count - named.count) more requests"] : []
        let parts = services + named + more
        return parts.isEmpty ? "no known part" : parts.joined(separator: ", ")
    }
}

/// A service that `RunningParts` lists under a name.
struct NamedService: Service {
    let name: String
    let service: any Service
    let parts: RunningParts

    func run() async throws {
        try await parts.run(name) { try await service.run() }
    }
}
