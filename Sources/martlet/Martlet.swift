import ArgumentParser
import MartletCommands

/// The program. `MartletCommands` has everything, so that tests can import it.
@main
struct Martlet {
    /// Runs the command that the arguments name.
    static func main() async {
        // First: a thread inherits the restrictions of the thread that starts it.
        MartletCommand.restrictDownload()
        await MartletCommand.start()
    }
}
