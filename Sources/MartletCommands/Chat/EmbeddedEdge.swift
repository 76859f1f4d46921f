import Logging
import MartletServer
import Synchronization

/// A server inside the process of `martlet chat`. It ends with the chat, listens on the loopback address only and has
/// no journal.
final class EmbeddedEdge: Sendable {
    /// The configured server; `start` runs a copy of it.
    private let edge: Edge
    private let task = Mutex<Task<SettingError?, Never>?>(nil)

    /// - Parameter model: A GGUF file; `nil` = the demo model.
    /// - Throws: If the model's file or a setting in the environment is wrong.
    init(model: String?) throws(SettingError) {
        let arguments = ["--port=0", "--log-verbosity=0"] + (model.map { ["--model=\($0)"] } ?? [])
        let values = try SettingParser(command: .serve).parse(arguments: arguments) { name in
            // The environment configures the engine. Address, keys and log are fixed below, and --model selects the
            // model.
            ["LLAMA_ARG_MODEL", "MARTLET_MODEL", "MARTLET_CONFIG"].contains(name)
                ? nil : CurrentProcess.environment(name)
        }
        let file = try ModelFile(named: values.text(.model), executable: CurrentProcess.executable)
        // Log lines would disturb the conversation. Errors reach the chat as errors.
        let logger = Logger(label: "martlet") { _ in SwiftLogNoOpLogHandler() }
        var edge = try Edge(values, model: file, logger: logger)
        edge.configuration.addresses = [.loopback]
        edge.configuration.apiKeys = []
        edge.configuration.tls = nil
        edge.configuration.journal = nil
        self.edge = edge
    }

    /// Starts the server.
    /// - Returns: The base URL, as soon as the server listens. The model may still be loading.
    /// - Throws: The error with which the server ended before it listened.
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
                // `stop` cancels the task, so the end is expected.
                return Task.isCancelled ? nil : error as? SettingError ?? SettingError("\(error)")
            }
        }
        task.withLock { $0 = running }
        for await number in ports { return "http://127.0.0.1:\(number)" }
        throw await running.value ?? SettingError("the server of this chat ended before it listened")
    }

    /// Stops the server and waits for its end.
    /// - Returns: The error with which the server had ended by itself; `nil` if it had not.
    func stop() async -> SettingError? {
        let running = task.withLock { $0 }
        running?.cancel()
        return await running?.value
    }
}
