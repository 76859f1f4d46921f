import MartletPlatform

extension SmallFile {
    /// Writes `text` into the file at `path`, which is created or emptied first.
    /// - Parameter subject: The flag that names the file, for the error.
    static func write(_ text: String, to path: String, for subject: String) throws(SettingError) {
        do {
            let descriptor = try FileDescriptor.open(
                FilePath(path), .writeOnly, options: [.create, .truncate],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
            _ = try descriptor.closeAfter { try descriptor.writeAll(text.utf8) }
        } catch {
            throw SettingError("\(subject): cannot write \(path): \(error)")
        }
    }
}
