import ArgumentParser
import MartletCommands

@main
struct Martlet {
    static func main() async {
        await MartletCommand.start()
    }
}
