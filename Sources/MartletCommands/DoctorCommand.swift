import ArgumentParser
import MartletJSON
import OrderedCollections

/// `martlet doctor`: what this machine has, what is wrong with it, and what to do about it.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Tell what this machine can serve, and what is in the way.",
        discussion: "Ends with 1 when something does not work.")

    @Argument(help: "Model files (GGUF) to look at.")
    var models: [String] = []

    @Option(help: "The port on which the server would listen.")
    var port = 8080

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...65_535).contains(port) else { throw ValidationError("--port must be from 1 to 65535, not \(port)") }
    }

    func run() async throws {
        let findings = DoctorFinding.all(await DoctorFacts.collect(models: models, port: port))
        print(json ? Self.json(findings).text : Self.text(findings))
        if findings.contains(where: { $0.severity == .problem }) { throw ExitCode(1) }
    }

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
