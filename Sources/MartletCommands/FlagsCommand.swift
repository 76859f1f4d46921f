import ArgumentParser
import MartletJSON

/// `martlet flags`: prints the table of flags, as the page `docs/flags.md` or for programs.
struct FlagsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flags", abstract: "Print all flags of the server, as a page or as JSON.")

    @Flag(help: "As JSON: an object for each flag.")
    var json = false

    func run() { print(json ? SettingHelp.json().text + "\n" : SettingHelp.markdown(), terminator: "") }
}
