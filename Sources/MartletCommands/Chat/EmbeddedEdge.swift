import Logging
import MartletServer
import Synchronization

/// A server that lives as long as one chat.
final class EmbeddedEdge: Sendable {
    private let edge: Edge
    private let task = Mutex<Task<SettingError?, Never>?>(nil)

    /// - Parameter model: A GGUF file; `nil` = the one that comes with martlet.
    init(model: String?) throws(SettingError) {
        let arguments = ["--port=0", "--log-verbosity=0"] + (model.map { ["--model=\($0)"] } ?? [])
        let values = try SettingParser(command: .serve).parse(arguments: arguments) { name in
            // Port, keys and log are those of this chat; what concerns the model is the user's choice.
            ["LLAMA_ARG_MODEL", "MARTLET_MODEL", "MARTLET_CONFIG"].contains(name)
                ? nil : CurrentProcess.environment(name)
        }
        let file = try ModelFile(named: values.text(.model), executable: CurrentProcess.executable)
        // Nobody reads a log beside a conversation; what matters comes as an error.
        let logger = Logger(label: "martlet") { _ in SwiftLogNoOpLogHandler() }
        var edge = try Edge(values, model: file, logger: logger)
        edge.configuration.addresses = [.loopback]
        edge.configuration.apiKeys = []
        edge.configuration.tls = nil
        edge.configuration.journal = nil
        self.edge = edge
    }

    /// - Returns: Its URL, as soon as it listens.
    func start() async throws(SettingError) -> String {
        let (ports, port) = AsyncStream<Int>.makeStream()
        var edge = edge
        edge.configuration.onListening = { port.yield($0) }
        let running = Task { [edge] () -> SettingError? in
            defer { port.finish() }
            do {
                try await edge.run(until: [])
                return nil
            } catch {
                // That it ends when it is stopped is no error.
                return Task.isCancelled ? nil : error as? SettingError ?? SettingError("\(error)")
            }
        }
        task.withLock { $0 = running }
        for await number in ports { return "http://127.0.0.1:\(number)" }
        throw await running.value ?? SettingError("the server of this chat ended before it listened")
    }

    /// - Returns: Why it ended, if it did so by itself.
    func stop() async -> SettingError? {
        let running = task.withLock { $0 }
        running?.cancel()
        return await running?.value
    }
}
