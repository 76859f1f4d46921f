import ArgumentParser
import Logging
import MartletPlatform
import MartletProtocol
import MartletServer
import MartletWorkers
import UnixSignals

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
        if let violation = ProcessLimits.current.violation { throw CommandFailure.exit(violation) }
        let ignoresHangup = EndSignals.isHangupIgnored
        var edge: Edge
        let log: LogOutput
        do throws(SettingError) {
            let parser = SettingParser(command: .serve)
            let values = try parser.parse(
                arguments: flags, environment: CurrentProcess.environment, variables: CurrentProcess.variables)
            let model = try ModelFile(named: values.text(.model), executable: CurrentProcess.executable)
            log = try LogOutput(values)
            let logger = LineLogHandler.logger(
                label: "martlet", level: values.logLevel, format: log.format, sink: log.sink)
            for notice in values.notices { logger.warning("\(notice)") }
            edge = try Edge(values, model: model, logger: logger)
            edge.configuration.accessLog = log.accessLog(values)
            edge.configuration.droppedLogLineCount = { [log] in log.droppedCount }
        } catch {
            throw CommandFailure.exit(error, usage: true)
        }
        let welcome = Welcome(edge)
        edge.configuration.onListening = { [log] port in
            if !log.isDisabled { LogWriter.standardError.write(welcome.text(port: port)) }
        }
        edge.onReady = { [log] _ in log.sink.release() }
        edge.onOverdue = { reason in
            LogWriter.standardError.write(
                "martlet: the server does not end by itself and is ended; held by: \(reason)\n")
            LogWriter.standardError.flush(upTo: .milliseconds(200))
            // Not `exit`: what holds the server would hold that too.
            _exit(CurrentProcess.overdueExitCode)
        }
        do {
            try await edge.run(
                until: EndSignals.all(
                    reloadsOnHangup: edge.configuration.tls != nil, ignoresHangup: ignoresHangup))
            log.flush()
        } catch let error as any CustomStringConvertible {
            throw CommandFailure.exit(error)
        }
    }
}

/// Requests that come before all settings.
enum SettingRequest {
    static func isHelp(_ flags: [String]) -> Bool { flags.contains { ["--help", "-h", "--usage"].contains($0) } }

    static func isVersion(_ flags: [String]) -> Bool { flags.contains("--version") }
}
