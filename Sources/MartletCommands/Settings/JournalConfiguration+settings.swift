import MartletServer
import MartletStreams

extension JournalConfiguration {
    /// - Returns: `nil` when nothing is to be written, or there is no place for it.
    init?(_ values: SettingValues, environment: (String) -> String?) {
        guard values.toggle(.journal) ?? true else { return nil }
        let named = values.text(.stateDirectory)
        guard let path = named.map(Self.absolute) ?? JournalFolder.defaultPath(environment: environment) else {
            return nil
        }
        self.init(path: path)
        // Who names a place wants it to be used.
        isRequired = named != nil
        if let value = values.text(.durability).flatMap(Journal.Durability.init) { durability = value }
        if let value = values.integer(.journalSize) { maximumByteCount = value << 20 }
    }

    private static func absolute(_ path: String) -> String {
        path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }
}
