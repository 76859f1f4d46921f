import MartletPlatform

extension SmallFile {
    /// Replaces the file at `path`, or makes it.
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
