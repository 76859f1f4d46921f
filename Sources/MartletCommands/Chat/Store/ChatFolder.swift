import MartletPlatform

/// The folder of the chat's files: `$XDG_STATE_HOME/martlet`, else `~/.local/state/martlet`.
enum ChatFolder {
    /// - Returns: `nil` if neither `XDG_STATE_HOME` nor `HOME` names a folder.
    static func path(environment: (String) -> String?) -> FilePath? {
        if let path = environment("XDG_STATE_HOME"), path.hasPrefix("/") {
            return FilePath(path).appending("martlet")
        }
        guard let home = environment("HOME"), !home.isEmpty else { return nil }
        return FilePath(home).appending(".local").appending("state").appending("martlet")
    }

    /// Creates the missing folders of a path, readable by their owner only. Errors appear when a file is written.
    static func make(_ path: FilePath) {
        var folders: [FilePath] = []
        var folder = path
        while !folder.isEmpty, access(folder.string, F_OK) != 0 {
            folders.append(folder)
            folder = folder.removingLastComponent()
        }
        for folder in folders.reversed() { mkdir(folder.string, 0o700) }
    }
}
