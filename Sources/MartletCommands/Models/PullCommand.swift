import ArgumentParser
import MartletDownloads
import MartletJSON
import MartletModels
import MartletPlatform

/// `martlet pull`: downloads a model. It needs no server.
///
/// Example: `martlet pull ggml-org/Qwen3-0.6B-GGUF:Q8_0` downloads into the Hugging Face cache and shows
///
///     Qwen3-0.6B-Q8_0.gguf   42%  256 MiB of 610 MiB  18.3 MiB/s  0:19 left
///
/// An interrupted download continues where it ended. The same command in two terminals downloads once.
struct PullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Download a model.",
        discussion:
            "SOURCE is ORG/NAME with an optional :QUANTIZATION at Hugging Face, or an https address of a GGUF file. HF_TOKEN, "
            + "HF_ENDPOINT, https_proxy and no_proxy apply. A file of an address goes to --models-dir, or to the folder of "
            + "downloads, which 'martlet list' lists.")

    @Argument(help: "ORG/NAME[:QUANTIZATION], or an address.")
    var source: String?

    @Option(
        name: [.customLong("hf", withSingleDash: true), .customLong("hf-repo")],
        help: "ORG/NAME[:QUANTIZATION] at Hugging Face.")
    var repository: String?

    @Option(name: [.customLong("hff", withSingleDash: true), .long], help: "The path of a file in the repository.")
    var hfFile: String?

    @Option(
        name: [.customLong("mu", withSingleDash: true), .customLong("model-url")], help: "The address of a GGUF file.")
    var address: String?

    @Option(help: "The folder for files of addresses.", completion: .directory)
    var modelsDir: String?

    @Option(help: "Ranges of a file that are fetched at the same time.")
    var connections = 4

    @Flag(help: "Use files on this machine only.")
    var offline = false

    @Flag(inversion: .prefixedNo, help: "Also download the projector (mmproj) of the model.")
    var mmproj = true

    @Flag(help: "Print JSON: a line when all files are complete. Progress goes to standard error.")
    var json = false

    /// Set by a server, which reads the progress: a line of JSON for each step.
    @Flag(help: .hidden)
    var jsonLines = false

    /// Set by a server that starts this command as its child.
    @Flag(help: .hidden)
    var endsWithInput = false

    /// Set by a server that can serve the presets of a repository.
    @Flag(help: .hidden)
    var acceptsPresets = false

    /// Set by a server that runs without sandboxes.
    @Flag(inversion: .prefixedNo, help: .hidden)
    var sandbox = true

    /// Exactly one source.
    func validate() throws {
        guard [source, repository, address].count(where: { $0 != nil }) == 1 else {
            throw ValidationError("name one source: ORG/NAME, --hf-repo or --model-url")
        }
        guard (1...32).contains(connections) else {
            throw ValidationError("--connections must be from 1 to 32, not \(connections)")
        }
        if hfFile != nil, address != nil {
            throw ValidationError("--hf-file belongs to a repository, not to an address")
        }
    }

    /// Downloads, and prints the path of the model. The exit code is 1 after an error; the part remains.
    func run() async throws {
        CurrentProcess.prepare()
        let display = jsonLines ? DownloadDisplay(isTerminal: false, onProgress: Self.writeLine) : DownloadDisplay()
        do {
            var request = try request()
            request.acceptsPresets = acceptsPresets
            if endsWithInput { try DownloadDisplay.endWithInput() }
            let result = try await request.run(display)
            display.finish()
            Terminal.write(json || jsonLines ? Self.json(result).text + "\n" : (result.paths.first ?? "") + "\n")
        } catch let error as any CustomStringConvertible {
            display.finish()
            throw CommandFailure.exit(error)
        }
    }

    /// The request that the arguments describe.
    func request() throws -> DownloadRequest {
        let text = address ?? repository ?? source ?? ""
        return try DownloadRequest(
            text, isRepository: repository != nil, file: hfFile, folder: modelsDir, connections: connections,
            isOffline: offline, wantsProjector: mmproj, environment: CurrentProcess.environment)
    }

    /// Writes `{"done":…,"total":…}` to standard output.
    private static func writeLine(_ meter: ProgressMeter) {
        let json: JSONValue = ["done": JSONValue(meter.doneByteCount), "total": JSONValue(meter.totalByteCount)]
        Terminal.write(json.text + "\n")
    }

    /// `{"paths":[…],"mmproj":…}`.
    static func json(_ result: ModelDownload.Result) -> JSONValue {
        .object([
            "paths": .array(result.paths.map { .string($0) }),
            "mmproj": result.projectorPath.map { .string($0) } ?? .null,
            "presets": result.presetPath.map { .string($0) } ?? .null,
        ])
    }
}
