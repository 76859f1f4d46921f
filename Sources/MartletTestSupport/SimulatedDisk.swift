package import MartletFiles
internal import MartletPlatform
package import MartletStreams
internal import Synchronization

/// A disk in memory that fails as real disks do. Equal seeds and equal operations give equal results.
///
/// Example: `disk.crash(atOperation: 40)` ends the process in the middle of the 40th operation, and `disk.afterPowerLoss(seed: 7)`
/// is the disk that the next process finds.
///
/// Thread: any; operations are serialized. Nothing blocks.
package final class SimulatedDisk: Sendable {
    /// An entry that is no file of a server.
    package enum ForeignKind: CaseIterable, Sendable {
        case folder, pipe, socket, device, link, emptyFile, garbage
    }

    private let state: Mutex<DiskState>
    fileprivate let openFiles = Atomic<Int>(0)

    private init(_ state: DiskState) { self.state = Mutex(state) }

    /// Makes an empty disk.
    package convenience init(seed: UInt64, faults: DiskFaults = DiskFaults()) {
        self.init(DiskState(seed: seed, faults: faults))
    }

    // MARK: Faults

    /// The faults of later operations.
    package var faults: DiskFaults {
        get { state.withLock { $0.faults } }
        set { state.withLock { $0.faults = newValue } }
    }

    /// The number of operations so far.
    package var operationCount: Int { state.withLock { $0.operationCount } }

    /// Whether the process has ended. All later operations fail and have no effect.
    package var hasCrashed: Bool { state.withLock { $0.hasCrashed } }

    /// The sum of the times that slow operations would have taken.
    package var delay: Duration { state.withLock { $0.delay } }

    /// The time of changes from now on, in seconds since 1970.
    package var time: Int64 {
        get { state.withLock { $0.time } }
        set { state.withLock { $0.time = newValue } }
    }

    /// Ends the process in the middle of the operation with this number, from 1 on.
    package func crash(atOperation number: Int) { state.withLock { $0.crashOperation = number } }

    /// Ends the process between two operations.
    package func crash() { state.withLock { $0.hasCrashed = true } }

    /// The disk that a process finds after this process has died: everything that it wrote.
    package func afterProcessDeath(seed: UInt64) -> SimulatedDisk {
        SimulatedDisk(state.withLock { $0.restarted(seed: seed) })
    }

    /// The disk that a process finds after a loss of power: all that was synced, and an arbitrary part of the rest.
    package func afterPowerLoss(seed: UInt64) -> SimulatedDisk {
        SimulatedDisk(state.withLock { $0.afterPowerLoss(seed: seed) })
    }

    // MARK: Contents

    /// Adds an entry that is no file of a server; it is durable.
    package func addForeign(_ kind: ForeignKind, _ entry: FolderEntry, in folder: String) {
        state.withLock { $0.addForeign(kind, DiskState.path(entry, in: folder)) }
    }

    /// Adds or replaces a durable file.
    package func write(_ bytes: [UInt8], to path: String) {
        state.withLock { $0.addDurable(DiskState.Node(kind: .file, bytes: bytes), Array(path.utf8)) }
    }

    /// Makes everything durable that processes have written so far, as hours do.
    package func syncAll() { state.withLock { $0.syncAll() } }

    /// The contents of a file; nil if there is none.
    package func contents(of path: String) -> [UInt8]? {
        state.withLock { state in
            state.node(at: Array(path.utf8)).flatMap { $0.kind == .file ? $0.bytes : nil }
        }
    }

    /// The number of files that are open.
    package var openFileCount: Int { openFiles.load(ordering: .relaxed) }

    /// The paths of all files whose name or contents have these bytes, in order.
    /// - Complexity: O(bytes of all files).
    package func paths(with text: String) -> [String] {
        state.withLock { $0.paths(with: Array(text.utf8)) }.map { String(decoding: $0, as: UTF8.self) }.sorted()
    }

    // MARK: Open files

    fileprivate func read(_ inode: Int, at offset: Int, count: Int) throws(FileError) -> [UInt8] {
        try state.withLock { state throws(FileError) in try state.read(inode, at: offset, count: count) }
    }

    fileprivate func change(_ inode: Int, _ change: DiskState.Change) throws(FileError) {
        try state.withLock { state throws(FileError) in try state.change(inode, change) }
    }

    fileprivate func sync(_ inode: Int) throws(FileError) {
        try state.withLock { state throws(FileError) in try state.sync(inode) }
    }

    fileprivate func unlock(_ inode: Int) { state.withLock { $0.unlock(inode) } }
}

extension SimulatedDisk: Disk {
    package func makeFolder(_ path: String) throws(FileError) {
        try state.withLock { state throws(FileError) in try state.makeFolder(Array(path.utf8)) }
    }

    package func closeToOthers(_ folder: String) throws(FileError) {
        try state.withLock { state throws(FileError) in
            try state.begin(.other, Array(folder.utf8))
            guard state.node(at: Array(folder.utf8)) != nil else { throw FileError(code: ENOENT) }
        }
    }

    package func kind(of path: String, followsLinks: Bool) throws(FileError) -> FileKind {
        try state.withLock { state throws(FileError) in
            try state.begin(.other, Array(path.utf8))
            guard let node = state.node(at: Array(path.utf8)) else { throw FileError(code: ENOENT) }
            return node.kind
        }
    }

    package func open(_ path: String, for purpose: OpenFile.Purpose) throws(FileError) -> any DiskFile {
        let (inode, byteCount) = try state.withLock { state throws(FileError) in
            try state.open(Array(path.utf8), for: purpose)
        }
        return SimulatedFile(self, inode, byteCount: byteCount)
    }

    package func entries(of folder: String) throws(FileError) -> [FolderEntry] {
        try state.withLock { state throws(FileError) in
            try state.begin(.other, Array(folder.utf8))
            return state.entries(of: Array(folder.utf8))
        }
    }

    package func changeTime(of entry: FolderEntry, in folder: String) -> Int64? {
        state.withLock { $0.node(at: DiskState.path(entry, in: folder))?.changeTime }
    }

    package func move(
        _ entry: FolderEntry, from folder: String, to other: String, as name: FolderEntry
    ) throws(FileError) {
        try state.withLock { state throws(FileError) in
            try state.move(DiskState.path(entry, in: folder), to: DiskState.path(name, in: other))
        }
    }

    package func removeFile(_ entry: FolderEntry, in folder: String) throws(FileError) {
        try state.withLock { state throws(FileError) in
            try state.remove(DiskState.path(entry, in: folder), isFolder: false)
        }
    }

    package func removeFolder(_ entry: FolderEntry, in folder: String) throws(FileError) {
        try state.withLock { state throws(FileError) in
            try state.remove(DiskState.path(entry, in: folder), isFolder: true)
        }
    }

    package func syncNames(in folder: String) throws(FileError) {
        try state.withLock { state throws(FileError) in try state.syncNames(in: Array(folder.utf8)) }
    }

    package func lock(_ path: String) throws(FileError) -> (any DiskLock)? {
        let inode = try state.withLock { state throws(FileError) in try state.lock(Array(path.utf8)) }
        return inode.map { SimulatedLock(self, $0) }
    }
}

/// The faults of a simulated disk. Probabilities are per operation.
package struct DiskFaults: Sendable {
    /// The probability that an append fails behind any number of its bytes.
    package var shortWrite = 0.0
    /// The probability that a read fails.
    package var readError = 0.0
    /// The probability that a sync fails; nothing is durable then.
    package var syncError = 0.0
    /// The probability that an operation on names fails.
    package var nameError = 0.0
    /// The most bytes of all files together; an append beyond it fails with the bytes that fit.
    package var capacity = Int.max
    /// Paths whose contents can be neither read nor written.
    package var damagedPaths: Set<String> = []
    /// The probability that an operation is slow, and the time that it takes then.
    package var slowness = 0.0
    package var slowTime: Duration = .seconds(1)

    /// A disk without faults.
    package init() {}
}

/// An open file of a simulated disk.
private final class SimulatedFile: DiskFile {
    private let disk: SimulatedDisk
    private let inode: Int
    let byteCount: Int

    init(_ disk: SimulatedDisk, _ inode: Int, byteCount: Int) {
        self.disk = disk
        self.inode = inode
        self.byteCount = byteCount
        disk.openFiles.wrappingAdd(1, ordering: .relaxed)
    }

    deinit { disk.openFiles.wrappingSubtract(1, ordering: .relaxed) }

    func read(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
        try disk.read(inode, at: offset, count: count)
    }

    func append(_ bytes: [UInt8]) throws(FileError) { try disk.change(inode, .append(bytes)) }

    func shorten(to byteCount: Int) throws(FileError) { try disk.change(inode, .shorten(byteCount)) }

    func sync() throws(FileError) { try disk.sync(inode) }
}

/// A lock of a simulated disk.
private final class SimulatedLock: DiskLock {
    private let disk: SimulatedDisk
    private let inode: Int

    init(_ disk: SimulatedDisk, _ inode: Int) {
        self.disk = disk
        self.inode = inode
    }

    deinit { disk.unlock(inode) }
}
