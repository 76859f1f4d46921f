import ArgumentParser
import MartletJSON
import MartletModels
import MartletPlatform

/// `martlet list`: prints the models that can be served. It needs no server.
///
/// Example: `martlet list --models-dir ~/models` prints
///
///     NAME          SIZE     PARAMETERS  KIND    CONTEXT  CAPABILITIES       SOURCE      STATUS
///     fledgling     2.6 MiB  2.67M       Q8_0    4096     completion         built-in    ready to load
///     qwen3-0.6b    610 MiB  752M        Q8_0    40960    completion, tools  models_dir  ready to load
struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the models that can be served.",
        discussion:
            "Sources: --model, --models-dir, --models-preset, the Hugging Face cache, and the demo model. Only the heads of "
            + "new files are read.")

    /// The sources of the list.
    @OptionGroup var sources: ModelSourceOptions

    @Flag(help: "Print JSON: an object for each model.")
    var json = false

    /// Prints all models by name. Conflicts of names are warnings on standard error.
    func run() throws {
        let registry = try sources.registry()
        for conflict in registry.conflicts { Terminal.write("martlet: \(conflict.printable)\n", to: STDERR_FILENO) }
        let listing = ModelListing(registry)
        if json { return Terminal.write(JSONValue.array(listing.items.map(\.json)).text + "\n") }
        Terminal.write(Self.table(listing.items))
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
