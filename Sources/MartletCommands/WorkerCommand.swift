import ArgumentParser
import Logging
import MartletEngine
import MartletPlatform
import MartletWorkers

/// `martlet worker`: runs one model and exchanges frames with the edge that started it.
///
/// Standard input and output carry frames, see `FrameFormat`; standard error carries log lines, see `WorkerLogLine`.
/// The exit code is 0 after a normal end, 70 if the edge broke the protocol, 74 if standard input cannot be read.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Run a model for a server (started by it).", helpNames: [])

    @Argument(parsing: .captureForPassthrough, help: "Flags; 'martlet worker --help' lists them.")
    var flags: [String] = []

    /// Enters the sandbox before the model file is opened, and refuses to run at a terminal.
    func run() async throws {
        if SettingRequest.isHelp(flags) {
            print(
                SettingHelp.text(
                    for: .worker, abstract: "Runs a model for a server, which starts it; frames on both pipes."))
            return
        }
        if SettingRequest.isVersion(flags) { return print(MartletVersion.current) }
        if flags.contains(DeviceProbe.flag) { return try DeviceProbe.report(flags) }
        if flags.first == ModelProbe.flag, flags.count == 2 { return ModelProbe.report(flags[1]) }
        guard !Terminal.isInputTerminal else {
            throw CommandFailure.exit("a worker is started by 'martlet serve', not by hand", usage: true)
        }
        CurrentProcess.prepare()
        do {
            let output = try StandardOutputGuard.claimStandardOutput()
            let values = try SettingParser(command: .worker)
                .parse(arguments: flags, environment: CurrentProcess.environment)
            // The engine checks a named file itself: it reports errors of the file as a frame.
            let path =
                try values.text(.model) ?? ModelFile(named: nil, executable: CurrentProcess.executable).path.string
            if let mebibytes = values.integer(.workerMemory), mebibytes > 0 {
                let number = WorkerMemoryLimit.set(byteCount: UInt64(mebibytes) << 20)
                guard number == 0 else {
                    throw SettingError("--worker-memory cannot be set: \(String(cString: strerror(number)))")
                }
            }
            let sandbox = values.toggle(.sandbox) == false ? nil : WorkerSandbox.enter()
            await Self.serve(
                try EngineConfiguration(modelPath: path, values), values.logLevel, output, sandbox)
        } catch let error as any CustomStringConvertible {
            throw CommandFailure.exit(error, usage: true)
        }
    }

    /// Runs the worker until the edge ends it, then exits the process.
    private static func serve(
        _ configuration: EngineConfiguration, _ level: Logger.Level, _ output: FileDescriptor,
        _ sandbox: WorkerSandbox.Outcome?
    ) async {
        let writer = LogWriter(descriptor: STDERR_FILENO) { LogWriter.droppedLines($0).line + "\n" }
        let logger = LineLogHandler.logger(label: "engine", level: level, format: .worker, sink: LogSink(writer))
        if case .unavailable(let number) = sandbox {
            logger.notice("this process has network access and all its privileges", metadata: ["errno": "\(number)"])
        }
        let end = await WorkerHost(input: .standardInput, output: output).run { receiver in
            let engine = InProcessEngine(configuration: configuration, receiver: receiver, logger: logger)
            return WorkerHost.HostedEngine(
                service: engine, start: { engine.start() }, shutdown: { engine.shutdown() },
                activities: { engine.activities })
        }
        let code: Int32
        switch end {
        case .shutdown, .endOfInput: code = 0
        case .brokenProtocol(let error):
            logger.critical("the edge broke the protocol: \(error)")
            code = 70
        case .unreadable(let reason):
            logger.critical("standard input cannot be read: \(reason)")
            code = 74
        }
        writer.flush(upTo: LogWriter.flushTimeout)
        // Not `exit`: libraries cannot clean up while the engine's thread computes a decode.
        _exit(code)
    }
}
