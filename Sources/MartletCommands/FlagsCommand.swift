import ArgumentParser

/// `martlet flags`: prints the page `docs/flags.md`.
struct FlagsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flags", abstract: "Print docs/flags.md.", shouldDisplay: false)

    func run() { print(SettingHelp.markdown(), terminator: "") }
}
