package import MartletFiles

/// The bytes that a state file is read from.
package protocol StateSource: ~Copyable {
    var byteCount: Int { get }
    /// Reads `count` bytes from `offset` on, or fewer at the end.
    borrowing func read(at offset: Int, count: Int) throws(FileError) -> [UInt8]
}

extension OpenFile: StateSource {}

/// A state file in memory, for tests and fuzzing.
package struct StateBytes: StateSource {
    private let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var byteCount: Int { bytes.count }

    /// See `StateSource`.
    package func read(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
        Array(bytes.dropFirst(offset).prefix(count))
    }
}

/// The head of a state file with its key and items: everything that an index needs, without the states.
package struct StateFileHead: Sendable, Equatable {
    package let fingerprint: StateFingerprint
    package let key: StoredState.Key
    package let items: [Int32]
    package let firstPosition: Int
    package let isPinned: Bool
    /// The size of the whole file in bytes.
    package let byteCount: Int
    let sections: [StateFileFormat.Section]

    /// The item counts of the checkpoints, ascending.
    package var checkpoints: [Int] { sections.filter { $0.kind == .checkpoint }.map { Int($0.value) } }
}

/// Reads state files. Nothing in a file is trusted: sizes are checked before memory is allocated, and a part is used
/// only after its checksum.
package enum StateFileReader {
    /// Reads the head, the key and the items.
    ///
    /// - Parameter wanted: the fingerprint that the file must have; `nil` = any.
    /// - Complexity: linear in the number of items.
    package static func head(
        of source: borrowing some StateSource & ~Copyable, fingerprint wanted: StateFingerprint? = nil
    ) throws(StateFileError) -> StateFileHead {
        let (fingerprint, sections) = try sections(of: source, wanted: wanted)
        guard sections.count >= 3, sections[0].kind == .key, sections[1].kind == .items, sections[2].kind == .state,
            sections[3...].allSatisfy({ $0.kind == .checkpoint }), sections[..<3].allSatisfy({ $0.value == 0 })
        else { throw .damaged("its parts are not in their order") }
        let counts = sections[3...].map { Int($0.value) }
        let itemCount = sections[1].byteCount / 4
        guard zip(counts, counts.dropFirst()).allSatisfy({ $0 < $1 }), counts.first ?? 1 > 0,
            counts.last ?? 0 <= itemCount
        else { throw .damaged("its checkpoints are not in their order") }
        let items = try items(source, sections)
        let key = try body(0, of: source, sections)[...]
        let flags = StateFileFormat.number(key, at: 0, as: UInt32.self)
        let firstPosition = Int(StateFileFormat.number(key, at: 4, as: UInt32.self))
        guard flags <= 1, firstPosition <= items.count else { throw .damaged("its key is out of range") }
        let adapters = stride(from: 16, to: key.count, by: 8).map { offset in
            StoredState.Key.Adapter(
                index: StateFileFormat.number(key, at: offset, as: UInt32.self),
                scaleBits: StateFileFormat.number(key, at: offset + 4, as: UInt32.self))
        }
        return StateFileHead(
            fingerprint: fingerprint,
            key: StoredState.Key(scope: StateFileFormat.number(key, at: 8, as: UInt64.self), adapters: adapters),
            items: items, firstPosition: firstPosition, isPinned: flags == 1, byteCount: source.byteCount,
            sections: sections)
    }

    /// Reads a whole file.
    ///
    /// - Parameter wanted: the fingerprint that the file must have; `nil` = any.
    package static func state(
        of source: borrowing some StateSource & ~Copyable, fingerprint wanted: StateFingerprint? = nil
    ) throws(StateFileError) -> StoredState {
        let head = try head(of: source, fingerprint: wanted)
        var checkpoints: [StoredState.Checkpoint] = []
        for index in 3..<head.sections.count {
            checkpoints.append(
                .init(
                    itemCount: Int(head.sections[index].value), bytes: try body(index, of: source, head.sections)))
        }
        return StoredState(
            key: head.key, items: head.items, firstPosition: head.firstPosition, isPinned: head.isPinned,
            state: try body(2, of: source, head.sections), checkpoints: checkpoints)
    }

    /// Reads and checks the fixed part of the head and the table of sections.
    private static func sections(
        of source: borrowing some StateSource & ~Copyable, wanted: StateFingerprint?
    ) throws(StateFileError) -> (StateFingerprint, [StateFileFormat.Section]) {
        let fixed = try bytes(of: source, at: 0, count: StateFileFormat.fixedByteCount)[...]
        guard fixed.prefix(StateFileFormat.magic.count).elementsEqual(StateFileFormat.magic) else { throw .foreign }
        let version = StateFileFormat.number(fixed, at: 8, as: UInt16.self)
        let features = StateFileFormat.number(fixed, at: 10, as: UInt16.self)
        let count = Int(StateFileFormat.number(fixed, at: 12, as: UInt32.self))
        guard count <= StateFileFormat.maximumSectionCount else { throw .damaged("its head names \(count) parts") }
        let headByteCount = StateFileFormat.headByteCount(sections: count)
        let head = try bytes(of: source, at: 0, count: headByteCount)[...]
        let checked = headByteCount - StateFileFormat.checksumByteCount
        // The checksum comes first: a flipped bit in the version must not look like a newer file.
        guard CRC32C.of(head[..<checked]) == StateFileFormat.number(head, at: checked, as: UInt32.self) else {
            throw .damaged("the checksum of its head is wrong")
        }
        guard version == StateFileFormat.version, features == 0 else { throw .newer(version: Int(version)) }
        guard let fingerprint = StateFingerprint(bytes: head[16..<(16 + StateFingerprint.byteCount)]) else {
            throw .damaged("its fingerprint is short")
        }
        if let wanted, wanted != fingerprint { throw .otherContext }
        let total = StateFileFormat.number(head, at: 16 + StateFingerprint.byteCount, as: UInt64.self)
        var sections: [StateFileFormat.Section] = []
        var sum = headByteCount
        for index in 0..<count {
            let offset = StateFileFormat.fixedByteCount + index * StateFileFormat.sectionByteCount
            let byteCount = StateFileFormat.number(head, at: offset + 8, as: UInt64.self)
            guard let kind = StateFileFormat.Kind(rawValue: StateFileFormat.number(head, at: offset, as: UInt32.self)),
                StateFileFormat.number(head, at: offset + 20, as: UInt32.self) == 0,
                byteCount <= UInt64(source.byteCount - sum)
            else { throw .damaged("part \(index) is unknown or exceeds the file") }
            sum += Int(byteCount)
            sections.append(
                .init(
                    kind: kind, value: StateFileFormat.number(head, at: offset + 4, as: UInt32.self),
                    byteCount: Int(byteCount),
                    checksum: StateFileFormat.number(head, at: offset + 16, as: UInt32.self)))
        }
        guard sum == source.byteCount, total == UInt64(sum) else {
            throw .damaged("it has \(source.byteCount) bytes instead of \(sum)")
        }
        return (fingerprint, sections)
    }

    private static func items(
        _ source: borrowing some StateSource & ~Copyable, _ sections: [StateFileFormat.Section]
    ) throws(StateFileError) -> [Int32] {
        let (key, items) = (sections[0].byteCount, sections[1].byteCount)
        guard items > 0, items % 4 == 0, items / 4 <= StateFileFormat.maximumItemCount else {
            throw .damaged("it has \(items) bytes of items")
        }
        guard key >= 16, key % 8 == 0, (key - 16) / 8 <= StateFileFormat.maximumAdapterCount else {
            throw .damaged("it has a key of \(key) bytes")
        }
        let bytes = try body(1, of: source, sections)
        return bytes.withUnsafeBytes { buffer in
            (0..<(items / 4)).map { index in
                Int32(littleEndian: buffer.loadUnaligned(fromByteOffset: index * 4, as: Int32.self))
            }
        }
    }

    /// Reads one section and checks its checksum.
    private static func body(
        _ index: Int, of source: borrowing some StateSource & ~Copyable, _ sections: [StateFileFormat.Section]
    ) throws(StateFileError) -> [UInt8] {
        let start = sections[..<index].reduce(StateFileFormat.headByteCount(sections: sections.count)) {
            $0 + $1.byteCount
        }
        let bytes = try bytes(of: source, at: start, count: sections[index].byteCount)
        guard CRC32C.of(bytes[...]) == sections[index].checksum else {
            throw .damaged("the checksum of part \(index) is wrong")
        }
        return bytes
    }

    private static func bytes(
        of source: borrowing some StateSource & ~Copyable, at offset: Int, count: Int
    ) throws(StateFileError) -> [UInt8] {
        guard offset + count <= source.byteCount else {
            // A file that is too short for a magic number was never a state file, or was truncated.
            throw .damaged("it ends after \(source.byteCount) bytes")
        }
        let bytes: [UInt8]
        do {
            bytes = try source.read(at: offset, count: count)
        } catch {
            throw .unreadable(error.description)
        }
        guard bytes.count == count else { throw .damaged("it ends within a part") }
        return bytes
    }
}
