import ArgumentParser
import Logging
import MartletProtocol
import MartletServer
import MartletTestSupport

/// An edge server with a fake engine that emits tokens as fast as possible, or at an interval.
///
/// `scripts/measure_streams.py` measures the costs of readers and replays with it. It is not installed.
@main struct Rig: AsyncParsableCommand {
    /// The name and the purpose in the help text.
    static let configuration = CommandConfiguration(
        commandName: "martlet-rig",
        abstract: "An edge server with a fake engine, to measure streams with.")

    @Option(help: "Port to listen on; 0 = any free port, which is logged.") var port = 0
    @Option(help: "Tokens of every generation.") var tokens = 1_000
    @Option(help: "Milliseconds between two tokens of a generation; 0 = all tokens at once.") var interval = 0
    @Option(help: "Limit of connections.") var connections = 16_384

    /// Serves until a signal. Each generation gets its tokens at admission, or one per interval.
    func run() async throws {
        let (tokens, interval) = (tokens, interval)
        var configuration = ServerConfiguration()
        configuration.port = port
        configuration.limits.connections = connections
        // Room for very many logs, so that no measurement reaches the quota.
        configuration.limits.logBytes = 4 << 30
        let token = EngineEvent.Kind.token(id: 1, text: ArraySlice(" word".utf8))
        let finished = EngineEvent.Kind.finished(GenerationSummary(reason: .tokenLimit, timings: Timings()), text: [])
        // Without an interval the engine emits every token in the call that admits the generation.
        let script = FakeEngine.Script { request in
            FakeEngine.Script.admit.events(request)
                + (interval > 0 ? [] : Array(repeating: token, count: tokens) + [finished])
        }
        // The server makes its engine during `init`, so the closure stores the engine for the loop below.
        var made: FakeEngine?
        let edge = EdgeServer(configuration: configuration, logger: Logger(label: "rig")) { receiver in
            let engine = FakeEngine(receiver, script: script)
            made = engine
            return engine
        }
        guard let engine = made else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await edge.run() }
            if interval > 0 {
                // With an interval, one loop emits a token to each running generation per tick, as an engine's step
                // does.
                group.addTask {
                    var written: [GenerationHandle: Int] = [:]
                    while true {
                        try await Task.sleep(for: .milliseconds(interval))
                        let running = engine.running
                        written = written.filter { running.contains($0.key) }
                        for handle in running { written[handle, default: 0] += 1 }
                        engine.send(
                            running.map { EngineEvent($0, written[$0, default: 0] > tokens ? finished : token) })
                    }
                }
            }
            // The first task to end, the server after a signal, ends the measurement.
            try await group.next()
            group.cancelAll()
        }
    }
}
