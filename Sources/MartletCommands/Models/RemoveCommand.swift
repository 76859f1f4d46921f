import ArgumentParser
import MartletModels

/// `martlet rm`: deletes the files of models.
///
/// Example: `martlet rm ggml-org/Qwen3-0.6B-GGUF:Q8_0` deletes the file from the Hugging Face cache and prints
/// `removed ggml-org/Qwen3-0.6B-GGUF:Q8_0, 610 MiB`. Files that `--model` names are never deleted.
struct RemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Delete the files of models.",
        discussion:
            "Deletes models of --models-dir and of the Hugging Face cache. A file that another model shares remains.")

    @Argument(help: "The models' names.")
    var models: [String]

    /// The sources in which the names are looked up.
    @OptionGroup var sources: ModelSourceOptions

    /// Finds all models first, so that a wrong name deletes nothing.
    ///
    /// A file that cannot be deleted ends the command; earlier ones are gone.
    func run() throws {
        let all = try sources.sources()
        let chosen = try models.map { try sources.find($0) }
        do {
            let plans = try chosen.map { model in
                try ModelRemoval(model, folder: all.folder, cache: all.hubFolder.map { HubCache(folder: $0) })
            }
            for (model, plan) in zip(chosen, plans) {
                let bytes = try plan.perform()
                Terminal.write("removed \(model.name.printable), \(DoctorFinding.size(bytes))\n")
            }
        } catch let error as ModelSourceError {
            throw CommandFailure.exit(error)
        }
    }
}
