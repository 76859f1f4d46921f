import ArgumentParser
import MartletJSON

/// `martlet flags`: prints the table of flags as a page, as JSON, as the man page or as a completion script.
///
/// Example: `martlet flags --json` prints
/// `[{"name":"config","flags":["--config"],"environment":["MARTLET_CONFIG"],"section":"Model", …}, …]`, and
/// `martlet flags --completions bash > /etc/bash_completion.d/martlet` installs completions.
struct FlagsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flags",
        abstract: "Print all flags of the server, the man page, or completions for a shell.",
        discussion: "Without a flag the output is the page docs/flags.md.")

    @Flag(help: "Print JSON: an object for each flag of the server.")
    var json = false

    @Flag(help: "Print the man page martlet.1.")
    var man = false

    @Option(help: "Print a completion script for this shell.")
    var completions: ShellCompletion?

    /// Each flag selects another output, so at most one may be set.
    func validate() throws {
        guard [json, man, completions != nil].count(where: { $0 }) < 2 else {
            throw ValidationError("--json, --man and --completions exclude each other")
        }
    }

    /// Prints the selected output. The page and the JSON end with a line break.
    func run() throws {
        if json { return Terminal.write(SettingHelp.json().text + "\n") }
        guard man || completions != nil else { return Terminal.write(SettingHelp.markdown()) }
        do {
            let reference = try MartletCommand.reference()
            let text =
                completions?.script(for: reference)
                ?? ManualPage(command: reference, version: MartletVersion.current).text
            Terminal.write(text)
        } catch {
            throw CommandFailure.exit("\(error)")
        }
    }
}
