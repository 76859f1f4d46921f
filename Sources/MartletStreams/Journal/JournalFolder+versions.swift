internal import MartletFiles
internal import MartletPlatform

/// Journals of other format versions.
extension JournalFolder {
    /// Moves a journal to `newer`, where it waits for a newer build and is never removed.
    /// - Returns: the journal's path.
    package func setAsideForNewerBuild(_ id: String) throws(JournalError) -> String {
        let (file, kept) = (file(of: id), "\(newer)/\(name(of: id))")
        guard rename(file, kept) == 0 else { throw JournalError("move", file) }
        return kept
    }

    /// Moves the journals in `newer` whose version this build reads back. An existing journal is not replaced.
    package func restoreKept() throws(JournalError) {
        for entry in try FolderEntry.all(in: newer) {
            guard let id = Self.id(of: entry), !has(id) else { continue }
            let kept = "\(newer)/\(name(of: id))"
            guard let file = try? OpenFile.regular(kept, followsLinks: false),
                let header = try? file.read(at: 0, count: JournalFormat.headerByteCount),
                JournalRecords.damage(ofHeader: header[...]) == nil
            else { continue }
            guard rename(kept, self.file(of: id)) == 0 else { throw JournalError("move", kept) }
        }
    }

    /// Rewrites a journal of an older version in the current one, so that it can be continued. All of its
    /// bytes must be valid.
    ///
    /// The old journal is replaced when the new one is on the disk.
    package func upgrade(_ id: String) throws(JournalError) -> JournalReader.Result {
        let path = file(of: id)
        let new = "\(aside)/\(id).upgrade"
        do throws(FileError) {
            let source = try OpenFile.regular(path, followsLinks: false)
            let file = try OpenFile.regular(new, for: .replacing, followsLinks: false)
            try Self.copy(source, to: file)
        } catch {
            throw JournalError("upgrade", path, error)
        }
        try JournalFile(extending: new).sync()
        guard rename(new, path) == 0 else { throw JournalError("replace", path) }
        return try read(id)
    }

    private static func copy(_ source: borrowing OpenFile, to file: borrowing OpenFile) throws(FileError) {
        try file.append(JournalFormat.header)
        var records = CurrentRecords()
        var sequence: UInt32 = 0
        while case .record(let kind, let payload) = try records.next(in: source) {
            var bytes: [UInt8] = []
            JournalFormat.append(kind, sequence: sequence, to: &bytes) { $0 += payload }
            try file.append(bytes)
            sequence += 1
        }
    }
}
