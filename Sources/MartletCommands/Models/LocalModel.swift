import ArgumentParser
import MartletDownloads
import MartletModels

/// The file of a model that a command runs in a server of its own.
///
/// Example: `qwen3-0.6b` is the file of that name in the folder of models, and `./a.gguf` is that file.
enum LocalModel {
    /// The path of a model's first file. Nothing is downloaded.
    /// - Parameter name: The path of a file, or a name of `martlet list`.
    /// - Throws: An exit code after one line on standard error, with the nearest name or the command that downloads.
    static func path(named name: String) throws -> String {
        if FileListing.stamp(name) != nil { return name }
        guard !name.lowercased().hasSuffix(".gguf") else {
            throw CommandFailure.exit("the model file \(name.printable) is not there", usage: true)
        }
        let sources = try ModelSourceOptions.parse([])
        if case .model(let found) = try sources.registry().resolve(name), let path = found.paths.first { return path }
        if name.contains("/"), HubReference(name) != nil {
            throw CommandFailure.exit(
                "the model '\(name.printable)' is not on this machine; 'martlet run \(name.printable)' downloads it")
        }
        // The error names the nearest model of this machine.
        guard let path = try sources.find(name).paths.first else {
            throw CommandFailure.exit("the model '\(name.printable)' has no file on this machine")
        }
        return path
    }
}
