import MartletServer
import MartletStreams

extension JournalConfiguration {
    /// Reads the settings of journals.
    /// - Returns: `nil` if journals are off, or there is neither a set folder nor a home folder.
    init?(_ values: SettingValues, environment: (String) -> String?) {
        guard values.toggle(.journal) ?? true else { return nil }
        let named = values.text(.stateDirectory)
        guard let path = named.map(Self.absolute) ?? JournalFolder.defaultPath(environment: environment) else {
            return nil
        }
        self.init(path: path)
        // A folder that was set must work: otherwise the start fails. The default folder may fail.
        isRequired = named != nil
        if let value = values.text(.durability).flatMap(Journal.Durability.init) { durability = value }
        if let value = values.integer(.journalSize) { maximumByteCount = value << 20 }
    }

    /// The path without a slash at its end.
    private static func absolute(_ path: String) -> String {
        path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }
}
