import MartletJSON
import MartletPlatform
import OrderedCollections

/// Writes a client's configuration file.
enum SetupWriter {
    /// The suffix of the file with the content before the change.
    static let backupSuffix = ".before-martlet"

    /// Writes a file below `home`, merged with an existing one if its format is JSON.
    ///
    /// - Returns: the path.
    /// - Throws: If the file exists and is no JSON object, or is TOML or YAML with another content: the user then adds
    ///   the printed lines, because comments and order would be lost.
    static func write(_ file: ClientSetup.File, in home: String) throws(SettingError) -> String {
        let path = home + "/" + file.path
        let exists = access(path, F_OK) == 0
        let old = exists ? try SmallFile.text(path, for: "connect") : nil
        let text: String
        switch file.content {
        case .lines(let lines):
            if let old, old != lines {
                throw SettingError(
                    "\(path) exists; add the lines that 'martlet connect' prints without --write to it")
            }
            text = lines
        case .json(let members):
            var base: JSONObject = [:]
            if let old, !old.allSatisfy(\.isWhitespace) {
                guard case .object(let found)? = try? JSONParser.parse(Array(old.utf8)) else {
                    throw SettingError(
                        "\(path) is no plain JSON; add the members that 'martlet connect' prints without --write to it")
                }
                base = found
            }
            text = IndentedJSON.text(.object(IndentedJSON.merging(members, into: base))) + "\n"
        }
        guard text != old else { return path }
        if let old { try SmallFile.write(old, to: path + backupSuffix, for: "connect") }
        makeFolders(of: path, below: home)
        try SmallFile.write(text, to: path, for: "connect")
        return path
    }

    /// Makes the folders of a path that are missing. A failure is reported by the writing of the file.
    private static func makeFolders(of path: String, below home: String) {
        var folder = home
        for part in path.dropFirst(home.count).split(separator: "/").dropLast() {
            folder += "/" + part
            mkdir(folder, 0o755)
        }
    }
}
