internal import MartletFiles

/// Journals of other format versions.
extension JournalFolder {
    /// Moves a journal to `newer`, where it waits for a newer build and is never removed.
    /// - Returns: the journal's path.
    package func setAsideForNewerBuild(_ id: String) throws(JournalError) -> String {
        let name = FolderEntry(name(of: id))
        // Nothing writes this journal again, so a loss of power must take neither its name nor the folder of its name.
        try syncNames(in: path)
        try perform("move", file(of: id)) { disk throws(FileError) in
            try disk.move(name, from: streams, to: newer, as: name)
        }
        for folder in [newer, streams] { try syncNames(in: folder) }
        return "\(newer)/\(self.name(of: id))"
    }

    /// Moves the journals in `newer` whose version this build reads back. An existing journal is not replaced.
    package func restoreKept() throws(JournalError) {
        for entry in try entries(of: newer) {
            guard let id = Self.id(of: entry), !has(id) else { continue }
            let kept = "\(newer)/\(name(of: id))"
            guard let file = try? disk.open(kept, for: .reading),
                let header = try? file.read(at: 0, count: JournalFormat.headerByteCount),
                JournalRecords.damage(ofHeader: header[...]) == nil
            else { continue }
            try perform("move", kept) { disk throws(FileError) in
                try disk.move(entry, from: newer, to: streams, as: entry)
            }
            try syncNames()
            try syncNames(in: newer)
        }
    }

    /// Rewrites a journal of an older version in the current one, so that it can be continued. All of its
    /// bytes must be valid.
    ///
    /// The old journal is replaced when the new one is on the disk.
    package func upgrade(_ id: String) throws(JournalError) -> JournalReader.Result {
        let path = file(of: id)
        let new = FolderEntry("\(id).upgrade")
        try perform("upgrade", path) { disk throws(FileError) in
            let file = try disk.open("\(aside)/\(id).upgrade", for: .replacing)
            try Self.copy(try disk.open(path, for: .reading), to: file)
            try file.sync()
        }
        try perform("replace", path) { disk throws(FileError) in
            try disk.move(new, from: aside, to: streams, as: FolderEntry(name(of: id)))
        }
        // Records that follow are in the new file, so the name must not lead to the old one after a loss of power.
        try syncNames()
        return try read(id)
    }

    private static func copy(_ source: some DiskFile, to file: any DiskFile) throws(FileError) {
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
