import ArgumentParser
import Logging
import MartletModels
import MartletProtocol
import MartletServer
import UnixSignals

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// `martlet serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve a model over HTTP.", helpNames: [])

    @Argument(parsing: .captureForPassthrough, help: "Flags; 'martlet serve --help' lists them.")
    var flags: [String] = []

    func run() async throws {
        if SettingRequest.isHelp(flags) {
            print(
                SettingHelp.text(
                    for: .serve, abstract: "Serves a model over HTTP, with OpenAI's and llama-server's API."))
            return
        }
        if SettingRequest.isVersion(flags) { return print(MartletVersion.current) }
        CurrentProcess.prepare()
        if let violation = ProcessLimits.current.violation { throw Failure.exit(violation) }
        let ignoresHangup = EndSignals.isHangupIgnored
        var edge: Edge
        // From debug on everything is wanted at once, also what led to a failed start.
        let sink: LogSink
        do throws(SettingError) {
            let parser = SettingParser(command: .serve)
            let values = try parser.parse(
                arguments: flags, environment: CurrentProcess.environment, variables: CurrentProcess.variables)
            let model = try ModelFile(named: values.text(.model), executable: CurrentProcess.executable)
            sink = LogSink(.standardError, holdsBack: values.logLevel > .debug)
            let logger = LineLogHandler.logger(label: "martlet", level: values.logLevel, sink: sink)
            for note in values.notes { logger.warning("\(note)") }
            edge = try Edge(values, model: model, logger: logger)
            if let format = values.text(.accessLog).flatMap(AccessLog.Format.init(rawValue:)) {
                edge.configuration.accessLog = AccessLog(format: format, includesProbes: values.logLevel <= .debug) {
                    sink.write($0 + "\n")
                }
            }
            edge.configuration.droppedLogLineCount = { LogWriter.standardError.droppedCount }
        } catch {
            throw Failure.exit(error, usage: true)
        }
        let welcome = Welcome(edge)
        edge.configuration.onListening = { port in
            LogWriter.standardError.write(welcome.text(port: port))
        }
        edge.onReady = { _ in sink.release() }
        edge.onOverdue = { reason in
            LogWriter.standardError.write(
                "martlet: the server does not end by itself and is ended; held by: \(reason)\n")
            LogWriter.standardError.flush(upTo: .milliseconds(200))
            // Not `exit`: what holds the server would hold that too.
            _exit(CurrentProcess.heldExitCode)
        }
        do {
            try await edge.run(
                until: EndSignals.all(
                    reloadsOnHangup: edge.configuration.tls != nil, ignoresHangup: ignoresHangup))
            LogWriter.standardError.flush(upTo: LogWriter.patience)
        } catch let error as any CustomStringConvertible {
            throw Failure.exit(error)
        }
    }
}

/// What the server says when it listens.
struct Welcome: Sendable {
    private let host: String
    private let socketPath: String?
    private let modelName: String
    private let isEmbedded: Bool
    private let isOpen: Bool
    private let scheme: String

    init(_ edge: Edge) {
        socketPath = edge.configuration.socketPath
        let host = edge.configuration.host
        // A server on all networks is reached here under the address of this machine.
        let reachable = host == "0.0.0.0" || host == "::" ? "127.0.0.1" : host
        self.host = reachable.contains(":") ? "[\(reachable)]" : reachable
        modelName = edge.configuration.modelNames.first ?? edge.model.name
        isEmbedded = edge.model.isEmbedded
        scheme = edge.configuration.tls == nil ? "http" : "https"
        isOpen = edge.configuration.apiKeys.isEmpty
    }

    func text(port: Int) -> String {
        let url = socketPath == nil ? "\(scheme)://\(host):\(port)" : "\(scheme)://localhost"
        let socket = socketPath.map { "--unix-socket \($0) " } ?? ""
        let origin = isEmbedded ? ", the small model that comes with martlet (--model PATH serves your own)" : ""
        let key = isOpen ? "" : "-H 'Authorization: Bearer KEY' "
        return """
            martlet \(MartletVersion.current) serves \(modelName)\(origin)
              \(url)/v1

              curl -N \(socket)\(url)/v1/chat/completions \(key)-d \\
                '{"stream": true, "messages": [{"role": "user", "content": "Hello!"}]}'

            Ctrl-C ends it.

            """
    }
}

/// Requests that come before all settings.
enum SettingRequest {
    static func isHelp(_ flags: [String]) -> Bool { flags.contains { ["--help", "-h", "--usage"].contains($0) } }

    static func isVersion(_ flags: [String]) -> Bool { flags.contains("--version") }
}
