import ArgumentParser
import MartletJSON
import OrderedCollections

/// `martlet doctor`: checks this machine and names a remedy for each problem.
///
/// Example: `martlet doctor model.gguf` prints lines such as
///
///     ok       memory: 12.3 GiB of 15.6 GiB free
///     PROBLEM  model: model.gguf: llama, 70.6B parameters as Q4_K_M; needs 41 GiB of 12.3 GiB free, …: does not fit
///              → choose a smaller model, or one with fewer bits; no context of it fits
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Report what this machine can serve, and which problems it has.",
        discussion: """
            For a model file: whether libllama accepts it, what its load needs on this machine, and the largest context that \
            fits; -c, -np, -ctk, -ctv and -ngl are those of 'martlet serve'. The exit code is 1 if there is a problem.
            """)

    @Argument(help: "Model files (GGUF) to check.", completion: .file())
    var files: [String] = []

    @Option(name: [.customShort("m"), .long], help: "The same as FILES; may be repeated.", completion: .file())
    var model: [String] = []

    @OptionGroup var load: LoadOptions

    @Option(help: "The port on which the server would listen.")
    var port = 8080

    @Flag(help: "Print JSON.")
    var json = false

    /// A port of 0 has no meaning here, because a test needs a number.
    func validate() throws {
        guard (1...65_535).contains(port) else { throw ValidationError("--port must be from 1 to 65535, not \(port)") }
    }

    /// Collects facts, prints findings, and exits with 1 if one of them is a problem.
    func run() async throws {
        let findings = DoctorFinding.all(await DoctorFacts.collect(models: files + model, load: load, port: port))
        print(json ? Self.json(findings).text : Self.text(findings))
        if findings.contains(where: { $0.severity == .problem }) { throw ExitCode(1) }
    }

    /// One line per finding, and one for its remedy.
    static func text(_ findings: [DoctorFinding]) -> String {
        findings.map { finding in
            let mark =
                switch finding.severity {
                case .good: "ok     "
                case .warning: "warning"
                case .problem: "PROBLEM"
                }
            let remedy = finding.remedy.map { "\n         → \($0)" } ?? ""
            return "\(mark)  \(finding.subject): \(finding.text)\(remedy)"
        }.joined(separator: "\n")
    }

    /// An array with an object per finding: `subject`, `text`, the severity and, if there is one, `remedy`.
    static func json(_ findings: [DoctorFinding]) -> JSONValue {
        .array(
            findings.map { finding in
                var members: JSONObject = [
                    "subject": .string(finding.subject), "verdict": .string(finding.severity.rawValue),
                    "text": .string(finding.text),
                ]
                members["remedy"] = finding.remedy.map { .string($0) }
                return .object(members)
            })
    }
}
