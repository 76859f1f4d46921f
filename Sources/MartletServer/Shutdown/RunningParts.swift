internal import ServiceLifecycle
internal import Synchronization

/// What of a server has not ended, for those who ask why it does not.
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
    /// More are only counted.
    private static let namedRequests = 5

    /// Runs a part of the server under its name.
    func run<Result>(_ name: String, _ body: () async throws -> Result) async rethrows -> Result {
        state.withLock { $0.services.append(name) }
        defer {
            state.withLock { state in
                if let index = state.services.firstIndex(of: name) { state.services.remove(at: index) }
            }
        }
        return try await body()
    }

    /// A request is being answered, until `end` is called with the result.
    func beginRequest(_ name: String) -> UInt64 {
        state.withLock { state in
            state.lastRequest += 1
            state.requests[state.lastRequest] = Request(name: name, begin: .now)
            return state.lastRequest
        }
    }

    func endRequest(_ number: UInt64) { state.withLock { $0.requests[number] = nil } }

    /// In words, the longest requests first.
    func description(at now: ContinuousClock.Instant = .now) -> String {
        let (services, requests) = state.withLock { ($0.services, $0.requests.values.sorted { $0.begin < $1.begin }) }
        let named = requests.prefix(Self.namedRequests).map { request in
            "\(request.name) for \(request.begin.duration(to: now).components.seconds) s"
        }
        let more = requests.count > named.count ? ["\(requests.count - named.count) more requests"] : []
        let parts = services + named + more
        return parts.isEmpty ? "nothing that is known" : parts.joined(separator: ", ")
    }
}

/// A service under a name.
struct NamedService: Service {
    let name: String
    let service: any Service
    let parts: RunningParts

    func run() async throws {
        try await parts.run(name) { try await service.run() }
    }
}
