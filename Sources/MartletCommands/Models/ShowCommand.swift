import ArgumentParser
import Llama
import MartletEngine
import MartletGGUF
import MartletJSON
import MartletModels

/// `martlet show`: prints the facts about a model and the memory that a load would need. It needs no server.
///
/// Example: `martlet show qwen3-0.6b --ctx-size 32768` prints the facts, and then
///
///     needs          4.21 GiB for 32768 tokens, 4 sequences with one KV cache
///       weights      610 MiB
///       KV cache     3.5 GiB
///       compute      98.5 MiB
///       program      96.2 MiB
///     free           12.3 GiB
///     fits           yes; the largest context that fits is 40960 tokens
struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a model's facts, and the memory that it would need.",
        discussion:
            "MODEL is a name of 'martlet list', or a GGUF file. The exit code is 1 if the stated context does not fit.")

    @Argument(help: "The model's name, or the path of a GGUF file.")
    var model: String

    /// The sources in which the name is looked up.
    @OptionGroup var sources: ModelSourceOptions
    /// The load to plan.
    @OptionGroup var load: LoadOptions

    @Flag(help: "Print JSON.")
    var json = false

    /// Prints facts and plan. A context beyond the trained one is a warning.
    func run() throws {
        let item = ModelListing.item(try sources.find(model))
        guard item.summary != nil, let path = item.model.paths.first else {
            throw CommandFailure.exit(
                "\(item.model.name) \(item.problem ?? "is not on this machine; 'martlet pull' fetches it")")
        }
        let shape: ModelShape
        do throws(GGUFError) {
            let headers = try GGUFFile.headers(path)
            shape = ModelShape(headers.first, headers.others)
        } catch {
            throw CommandFailure.exit("\(path) \(error)")
        }
        let report = try load.report(on: shape, item)
        if json {
            var members = item.json.objectValue ?? JSONObject()
            members["memory"] = .string(shape.memory.rawValue)
            members["plan"] = report.json
            Terminal.write(JSONValue.object(members).text + "\n")
        } else {
            Terminal.write(Self.text(item, shape) + report.text)
        }
        if load.ctxSize > 0, !report.fits { throw ExitCode(1) }
    }

    /// The draft model, and whether the model's worker uses it; empty = none.
    private static func draft(_ model: RegisteredModel) -> String {
        guard let path = model.draftPath else { return "" }
        return model.usableDraftPath == nil ? "\(path) (not used: no draft model of its own)" : path
    }

    /// The facts in two columns; absent facts are left out.
    private static func text(_ item: ModelListing.Item, _ shape: ModelShape) -> String {
        guard let summary = item.summary else { return "" }
        let model = item.model
        let facts: [(String, String)] = [
            ("name", model.name), ("title", summary.displayName ?? ""),
            ("aliases", model.aliases.joined(separator: ", ")),
            ("tags", model.tags.joined(separator: ", ")), ("source", model.source.rawValue),
            ("status", item.statusText), ("file", model.paths.first ?? ""),
            ("files", model.paths.count > 1 ? "\(model.paths.count)" : ""), ("projector", model.projectorPath ?? ""),
            ("draft", Self.draft(model)), ("architecture", summary.architecture),
            ("parameters", summary.parameterText), ("kind", summary.quantization),
            ("weights", DoctorFinding.size(summary.byteCount)), ("layers", "\(shape.layers.count)"),
            ("vocabulary", summary.vocabularySize.map(String.init) ?? ""),
            ("context", summary.trainedContextLength.map { "\($0) tokens, trained" } ?? ""),
            ("memory", shape.memory.rawValue + (shape.window > 0 ? " of \(shape.window) tokens" : "")),
            ("template", summary.hasChatTemplate ? "in the file" : "none"),
            ("capabilities", summary.capabilities.map(\.rawValue).joined(separator: ", ")),
            ("settings", model.settings.map { "\($0.name)=\($0.value)" }.joined(separator: " ")),
        ]
        return TextTable.text(facts.filter { !$0.1.isEmpty }.map { [$0.0.padded(to: LoadReport.labelWidth), $0.1] })
    }
}

extension String {
    /// The text with blanks behind it, up to a width in columns of a terminal.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - TextWidth.columns(self)))
    }
}
