import ArgumentParser
import MartletJSON
import MartletModels
import MartletPlatform
import MartletText

/// `martlet list`: prints the models that a server of this machine could serve. A running server may have others.
///
/// Example: `martlet list --models-dir ~/models` prints
///
///     NAME          SIZE     PARAMETERS  KIND    CONTEXT  CAPABILITIES       SOURCE      STATUS
///     fledgling     2.6 MiB  2.67M       Q8_0    4096     completion         built-in    ready to load
///     qwen3-0.6b    610 MiB  752M        Q8_0    40960    completion, tools  models_dir  ready to load
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the models that can be served.",
        discussion:
            "The list is that of a new server with the same flags: --model, --models-dir, --models-preset, the Hugging Face "
            + "cache, and the demo model. Only the heads of new files are read. 'martlet ps --all' lists the models of a "
            + "running server, which may have been started with other flags; if its list differs, a line says so.")

    /// The sources of the list.
    @OptionGroup var sources: ModelSourceOptions

    @Flag(help: "Print JSON: an object for each model.")
    var json = false

    /// Prints all models by name. Conflicts of names are warnings on standard error.
    func run() async throws {
        let registry = try sources.registry()
        for conflict in registry.conflicts { Terminal.write("martlet: \(conflict.printable)\n", to: STDERR_FILENO) }
        let items = ModelListing(registry).items.filter { !$0.model.isHidden }
        if json { return Terminal.write(JSONValue.array(items.map(\.json)).text + "\n") }
        Terminal.write(Self.table(items))
        guard let url = ChatServer.usualURL else { return }
        CurrentProcess.prepare()
        let served = await ChatServer.usualModelNames()
        if let note = Self.note(local: items.map(\.model.name), served: served, url: url.description) {
            Terminal.write("martlet: \(note)\n", to: STDERR_FILENO)
        }
    }

    /// The difference between this machine's models and those of a running server, as a line.
    /// - Returns: `nil` without a server, and if both lists have the same names.
    static func note(local: [String], served: [String]?, url: String) -> String? {
        guard let served else { return nil }
        let others = served.filter { !local.containsBytes(of: $0) }
        let missing = local.filter { !served.containsBytes(of: $0) }
        guard !others.isEmpty || !missing.isEmpty else { return nil }
        func names(_ list: [String]) -> String {
            let more = list.count > 3 ? " and \(list.count - 3) more" : ""
            return list.prefix(3).map(\.printable).joined(separator: ", ") + more
        }
        let difference = [
            others.isEmpty ? nil : "also has \(names(others))",
            missing.isEmpty ? nil : "does not have \(names(missing))",
        ].compactMap { $0 }.joined(separator: " and ")
        return "these are the models of this machine; the server on \(url), which was started with other flags, "
            + "\(difference); 'martlet ps --all' lists its models"
    }

    /// One line per model.
    static func table(_ items: [ModelListing.Item]) -> String {
        var lines = [["NAME", "SIZE", "PARAMETERS", "KIND", "CONTEXT", "CAPABILITIES", "SOURCE", "STATUS"]]
        for item in items {
            let summary = item.summary
            lines.append([
                item.model.name, summary.map { DoctorFinding.size($0.byteCount) } ?? "",
                summary?.parameterText ?? "", summary?.quantization ?? "",
                summary?.trainedContextLength.map(String.init) ?? "",
                summary?.capabilities.map(\.rawValue).joined(separator: ", ") ?? "", item.model.source.rawValue,
                item.statusText,
            ])
        }
        return TextTable.text(lines)
    }
}
