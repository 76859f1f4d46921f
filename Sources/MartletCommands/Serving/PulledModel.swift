import MartletDownloads
import MartletJSON
import MartletModels
import MartletPlatform

/// A model, or a file of presets, that `martlet serve` downloads before it serves it: `--hf-repo` or `--model-url`.
///
/// The download runs in a child process (`martlet pull`), whose progress appears on standard error. Files that are on this
/// machine already are found by the child, too.
struct PulledModel: Equatable {
    /// The path of the first file of the model, or of the presets.
    let path: String
    /// Whether the file has presets.
    var isPresets = false
    /// The name in the API: `org/name:QUANTIZATION`, or `nil` for a file of an address.
    let name: String?

    /// Makes the result of a download.
    init(path: String, name: String?, isPresets: Bool = false) {
        (self.path, self.name, self.isPresets) = (path, name, isPresets)
    }

    /// The longest output of the child.
    private static let maximumOutputByteCount = 1 << 20

    /// Downloads the model that the settings name; `nil` = they name none.
    /// - Throws: If settings exclude each other or are wrong, or the download fails. The child has printed the reason then.
    static func fetch(_ values: SettingValues) async throws(SettingError) -> PulledModel? {
        guard let key = try values.chosen(of: .hubRepository, .modelAddress) else {
            if values.text(.hubFile) != nil { throw SettingError("--hf-file needs --hf-repo") }
            return nil
        }
        guard values.text(.model) == nil else { throw SettingError("--model and --\(key.rawValue) exclude each other") }
        let source = values.text(key) ?? ""
        var arguments = ["--json", "--no-mmproj", "--accepts-presets"]
        arguments += [key == .hubRepository ? "--hf-repo" : "--model-url", source]
        if let file = values.text(.hubFile) { arguments += ["--hf-file", file] }
        if values.toggle(.offline) == true { arguments.append("--offline") }
        if values.toggle(.sandbox) == false { arguments.append("--no-sandbox") }
        let request: DownloadRequest
        do {
            // A wrong source is one line, and no process starts. The child reads the same source again.
            request = try DownloadRequest(
                source, isRepository: key == .hubRepository, file: values.text(.hubFile), folder: nil,
                token: values.text(.hubToken), isOffline: values.toggle(.offline) == true,
                environment: CurrentProcess.environment)
        } catch {
            throw SettingError("--\(key.rawValue): \(error)")
        }
        let output = try await run(arguments, token: values.text(.hubToken))
        let json = try? JSONParser.parse(output)
        if let path = json?["presets"]?.stringValue { return PulledModel(path: path, name: nil, isPresets: true) }
        guard let path = json?["paths"]?.arrayValue?.first?.stringValue else {
            throw SettingError("the download of \(source) ended without a result")
        }
        guard case .repository(let reference, _) = request.source else { return PulledModel(path: path, name: nil) }
        let file = path.split(separator: "/").last.map(String.init) ?? ""
        let tag = reference.quantization ?? Quantization.tag(ofFile: file)
        return PulledModel(path: path, name: reference.repository + (tag.map { ":" + $0 } ?? ""))
    }

    /// Runs the child and returns its output.
    private static func run(_ arguments: [String], token: String?) async throws(SettingError) -> [UInt8] {
        guard let executable = CurrentProcess.executable else {
            throw SettingError("the program's own file cannot be found, so no download can be started")
        }
        let result: (output: [UInt8], isDone: Bool)
        do {
            result = try await PullProcess(executable: executable, token: token).run(arguments, into: []) {
                $0 += $1
                return $0.count <= maximumOutputByteCount
            }
        } catch {
            throw SettingError("the download cannot be started: \(error)")
        }
        guard result.isDone else { throw SettingError("the model was not downloaded, so nothing is served") }
        return result.output
    }
}
