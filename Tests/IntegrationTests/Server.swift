import MartletJSON
import MartletPlatform
import MartletTestSupport
import OrderedCollections
import Subprocess
import Synchronization
import Testing

/// A `martlet serve` with a real model on a port of its own.
struct Server: Sendable {
    let port: Int
    let processIdentifier: pid_t
    /// The log lines so far; all lines once the server has ended.
    let log: ServerLog

    /// Starts a server, waits until the model is loaded, and stops the server when `body` has ended.
    ///
    /// Without `--state-dir` it keeps no journal: tests leave nothing in a home folder. Port 0 is any free port.
    /// - Parameter environment: variables beside those of this process.
    /// - Returns: the exit status.
    @discardableResult
    static func run(
        _ arguments: [String] = [], port: Int = 0, environment: [String: String] = [:],
        body: @Sendable (Server) async throws -> Void
    ) async throws -> TerminationStatus {
        let log = ServerLog()
        let arguments = arguments.contains("--state-dir") ? arguments : arguments + ["--no-journal"]
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(5))]
        let result = try await Subprocess.run(
            MartletProcess.executable, arguments: Arguments(["serve", "--port", "\(port)"] + arguments),
            environment: .inherit.updating(
                Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), $1) })),
            platformOptions: options, input: .none, output: .discarded, error: .sequence
        ) { execution in
            let (ports, port) = AsyncStream<Int>.makeStream()
            try await withThrowingTaskGroup { group in
                group.addTask {
                    defer { port.finish() }
                    for try await line in execution.standardError.strings() {
                        log.append(line)
                        if let match = line.firstMatch(of: /https?:\/\/127\.0\.0\.1:(\d+)/), let number = Int(match.1) {
                            port.yield(number)
                        }
                    }
                }
                let first = await ports.first { _ in true }
                let server = Server(
                    port: try #require(first, "the server did not start: \(log.text)"),
                    processIdentifier: execution.processIdentifier.value, log: log)
                do {
                    // A test with TLS needs no wait here: requests wait for the model.
                    if !arguments.contains("--ssl-cert-file") { try await server.waitUntilReady() }
                    try await body(server)
                } catch {
                    Issue.record("server log:\n\(log.text)")
                    throw error
                }
                try? execution.send(signal: .terminate)
                try await group.waitForAll()
            }
        }
        return result.terminationStatus
    }

    private func waitUntilReady() async throws {
        while try await get("/health").status != 200 { await Task.yield() }
    }

    // MARK: Requests

    func connect() async throws -> RawConnection { try await RawConnection.connect(port: port) }

    func request(_ method: String, _ path: String, body: String? = nil) async throws -> (status: Int, body: String) {
        let connection = try await connect()
        try await connection.send(method, path, body: body)
        let head = try await connection.readHead()
        let text = try await connection.readBody()
        try await connection.close()
        return (head.status, text)
    }

    func get(_ path: String) async throws -> (status: Int, body: String) { try await request("GET", path) }

    func post(_ path: String, _ body: JSONValue) async throws -> (status: Int, body: JSONValue) {
        let response = try await request("POST", path, body: body.text)
        return (response.status, try JSONParser.parse(Array(response.body.utf8)))
    }

    /// Sends a streaming completion and returns when its head is there.
    func openStream(_ body: JSONValue, path: String = "/v1/completions") async throws -> RawConnection {
        guard case .object(var members) = body else { preconditionFailure("a body is an object") }
        members["stream"] = true
        let connection = try await connect()
        try await connection.send("POST", path, body: JSONValue.object(members).text)
        let head = try await connection.readHead()
        #expect(head.status == 200)
        return connection
    }

    // MARK: State of the server

    func slots() async throws -> [JSONValue] {
        let body = try await get("/slots").body
        return try #require(try JSONParser.parse(Array(body.utf8)).arrayValue)
    }

    /// The number in the metric's line.
    func metric(_ name: String) async throws -> Double {
        let line = try await get("/metrics").body.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return try #require(line?.split(separator: " ").last.flatMap { Double($0) }, "no metric \(name)")
    }

    /// Asks until `condition` holds; the test's time limit ends a wait that never does.
    func wait(until condition: @Sendable () async throws -> Bool) async throws {
        while !(try await condition()) { await Task.yield() }
    }

    /// The worker's process.
    func worker() async throws -> pid_t {
        try #require(try await workers().first, "the server has no worker")
    }

    /// All of them: one, or none while it is replaced.
    func workers() async throws -> [pid_t] {
        let result = try await Subprocess.run(
            .name("ps"), arguments: ["-A", "-o", "ppid=,pid="], output: .string(limit: 1 << 20))
        let pairs = result.standardOutput.split(separator: "\n").map { $0.split(separator: " ") }
        return pairs.filter { $0.first == "\(processIdentifier)" }.compactMap { $0.last.flatMap { pid_t($0) } }
    }
}

/// The log lines of a server so far.
final class ServerLog: Sendable {
    private let lines = Mutex("")

    var text: String { lines.withLock { $0 } }

    func append(_ line: String) { lines.withLock { $0 += line + "\n" } }

    /// The lines that contain `text`.
    func lines(with text: String) -> [Substring] { self.text.split(separator: "\n").filter { $0.contains(text) } }
}

/// The content and the end of a stream, from its events.
struct StreamedText {
    var text = ""
    var errors: [JSONValue] = []
    var finishReasons: [String] = []
    var doneCount = 0

    init(_ events: [String]) throws {
        for event in events where event.hasPrefix("data: ") {
            let data = event.dropFirst("data: ".count)
            if data == "[DONE]" {
                doneCount += 1
                continue
            }
            let chunk = try JSONParser.parse(Array(data.utf8))
            if let error = chunk["error"] { errors.append(error) }
            for choice in chunk["choices"]?.arrayValue ?? [] {
                text += choice["text"]?.stringValue ?? choice["delta"]?["content"]?.stringValue ?? ""
                if let reason = choice["finish_reason"]?.stringValue { finishReasons.append(reason) }
            }
        }
    }

    /// Whether the stream ended as every stream must: with one terminal event, then `[DONE]`.
    var endedOnce: Bool { errors.count + finishReasons.count == 1 && doneCount == 1 }
}
