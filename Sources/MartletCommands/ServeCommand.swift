import ArgumentParser
import Llama
import Logging
import MartletEngine
import MartletModels
import MartletPlatform
import MartletProtocol
import MartletServer
import MartletWorkers
import UnixSignals

/// `martlet serve`: runs the HTTP server and its worker until a signal ends it.
///
/// Example: `martlet serve --model m.gguf --port 9000` prints the server's address and a first request. The exit code
/// is 0 after a drain, 1 if the model cannot be loaded, 2 if a flag is wrong.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve a model over HTTP.", helpNames: [])

    @Argument(parsing: .captureForPassthrough, help: "Flags; 'martlet serve --help' lists them.")
    var flags: [String] = []

    /// Prints the devices of libllama in llama-server's form, those of `--rpc` included. Nothing is served.
    private static func listDevices(_ flags: [String]) throws {
        do {
            let values = try SettingParser(command: .serve)
                .parse(
                    arguments: flags.filter { $0 != "--list-devices" }, environment: CurrentProcess.environment)
            try QuietLoader.loadModules()
            try LlamaSystem.addRemoteDevices(EngineConfiguration.remoteServers(values))
        } catch let error as any CustomStringConvertible {
            throw CommandFailure.exit(error)
        }
        print("Available devices:")
        for device in DevicePlacement.available {
            print(
                "  \(device.name): \(device.description) (\(device.totalByteCount >> 20) MiB, "
                    + "\(device.freeByteCount >> 20) MiB free)")
        }
    }

    /// Prints the models of the Hugging Face cache in llama-server's form. Nothing is served.
    ///
    /// - Parameter folder: The cache; `nil` = the system has no home folder.
    static func cacheList(_ folder: String?) -> String {
        let models = folder.map { HubCache(folder: $0).models() } ?? []
        let lines = models.enumerated().map { index, model in
            let number = String(index + 1)
            return String(repeating: " ", count: max(0, 4 - number.count)) + "\(number). \(model.name.printable)\n"
        }
        return "number of models in cache: \(models.count)\n" + lines.joined()
    }

    /// Validates everything first, so that a wrong flag is one line and no process starts.
    func run() async throws {
        if SettingRequest.isHelp(flags) {
            print(
                SettingHelp.text(
                    for: .serve, abstract: "Serves a model over HTTP, with OpenAI's and llama-server's API."))
            return
        }
        if SettingRequest.isVersion(flags) { return print(MartletVersion.current) }
        if flags.contains("--list-devices") { return try Self.listDevices(flags) }
        if flags.contains(where: { ["--cache-list", "-cl"].contains($0) }) {
            return Terminal.write(Self.cacheList(HubCache.folder(environment: CurrentProcess.environment)))
        }
        CrashReport.configure()
        CurrentProcess.prepare()
        if let violation = ProcessLimits.current.violation { CommandFailure.end(violation) }
        let ignoresHangup = EndSignals.isHangupIgnored
        var edge: Edge
        let log: LogOutput
        do throws(SettingError) {
            let parser = SettingParser(command: .serve)
            var values = try parser.parse(
                arguments: flags, environment: CurrentProcess.environment, variables: CurrentProcess.variables)
            var pulled = try await PulledModel.fetch(values)
            if let presets = pulled, presets.isPresets { (values.remotePresetPath, pulled) = (presets.path, nil) }
            log = try LogOutput(values)
            let logger = LineLogHandler.logger(
                label: "martlet", level: values.logLevel, format: log.format, sink: log.sink)
            for notice in values.notices { logger.warning("\(notice)") }
            if PoolPlan.isWanted(values) {
                edge = try Edge(values, flags: flags, downloaded: pulled?.path, logger: logger)
            } else {
                let model = try ModelFile(
                    named: pulled?.path ?? values.text(.model), executable: CurrentProcess.executable,
                    downloadedName: pulled?.name)
                edge = try Edge(values, model: model, logger: logger)
            }
            edge.configuration.accessLog = log.accessLog(values)
            edge.configuration.droppedLogLineCount = { [log] in log.droppedCount }
        } catch {
            throw CommandFailure.exit(error, usage: true)
        }
        let welcome = Welcome(edge)
        let start = StartLog(log.sink, waitsForModel: edge.catalogue == nil)
        edge.configuration.onListening = { [log] port in
            start.noteListening()
            if !log.isDisabled { log.writeNotice(welcome.text(port: port)) }
        }
        edge.onReady = { _ in start.noteLoaded() }
        edge.rows = log.rows
        edge.onOverdue = { [log] reason in
            log.rows?.finish()
            LogWriter.standardError.write(
                "martlet: the server did not end in time and is ended now; still running: \(reason)\n")
            LogWriter.standardError.flush(upTo: .milliseconds(200))
            // Not `exit`: its handlers would wait for the same part that does not end.
            _exit(ExitStatus.overdue.rawValue)
        }
        do {
            try await edge.run(
                until: EndSignals.all(
                    reloadsOnHangup: edge.configuration.tls != nil, ignoresHangup: ignoresHangup))
            log.flush()
        } catch let error as any CustomStringConvertible {
            // Otherwise the error would stand behind a row.
            log.rows?.finish()
            throw CommandFailure.exit(error)
        }
    }
}

/// Flags that a command handles without reading settings.
enum SettingRequest {
    /// Whether the help text is wanted, wherever the flag stands.
    static func isHelp(_ flags: [String]) -> Bool { flags.contains { ["--help", "-h", "--usage"].contains($0) } }

    /// Whether the version is wanted.
    static func isVersion(_ flags: [String]) -> Bool { flags.contains("--version") }
}
