import ArgumentParser
import MartletCommands

@main
struct Martlet {
    static func main() async {
        // First: a thread inherits the restrictions of the thread that starts it.
        MartletCommand.restrictDownload()
        await MartletCommand.start()
    }
}
