import MartletFiles
import MartletPlatform
import MartletStreams

/// The contents of a simulated disk: what the process sees, and what would survive a loss of power.
///
/// Files and names become durable separately, as POSIX says: a synced file whose name was not synced may be lost. Names
/// are absolute paths.
struct DiskState {
    typealias Path = [UInt8]

    /// A change of a file's contents.
    enum Change {
        case append([UInt8])
        case shorten(Int)
    }

    /// A file, a folder or another entry.
    struct Node {
        var kind: FileKind
        /// The contents that the process sees.
        var bytes: [UInt8] = []
        /// The contents at the last sync.
        var durable: [UInt8] = []
        /// The changes since the last sync, each with the size of the file before it.
        var changes: [(offset: Int, change: Change)] = []
        var changeTime: Int64 = 0
        var isLink = false
        var isLocked = false

        init(kind: FileKind, bytes: [UInt8] = []) {
            self.kind = kind
            self.bytes = bytes
            durable = bytes
        }
    }

    /// A change of names that is not durable: an inode gets a name, loses one, or both.
    struct NameChange {
        var inode: Int
        var removed: Path?
        var added: Path?
    }

    /// A kind of operation, which decides the faults that it may have.
    enum Operation {
        case read, append, sync, names, other
    }

    var faults: DiskFaults
    /// The number of operations of this process.
    var operationCount = 0
    /// The operation in which the process ends.
    var crashOperation: Int?
    /// Whether the process has ended.
    var hasCrashed = false
    /// The sum of the times of slow operations.
    var delay = Duration.zero
    /// The time of changes, in seconds since 1970.
    var time: Int64 = 0
    private var random: SeededGenerator
    /// All inodes that there ever were; the first one is the root.
    var nodes: [Node] = [Node(kind: .folder)]
    /// The names that the process sees.
    private(set) var names: [Path: Int] = [[]: 0]
    /// The names that survive a loss of power.
    var durableNames: [Path: Int] = [[]: 0]
    /// The changes of names that are not durable, in their order.
    var nameChanges: [NameChange] = []

    init(seed: UInt64, faults: DiskFaults) {
        random = SeededGenerator(seed: seed)
        self.faults = faults
    }

    // MARK: Paths

    /// The path of an entry.
    static func path(_ entry: FolderEntry, in folder: String) -> Path { Array(folder.utf8) + [0x2F] + entry.bytes }

    /// The path without a slash at its end; the root is empty.
    private static func normalized(_ path: Path) -> Path { path.last == 0x2F ? Array(path.dropLast()) : path }

    /// The path of the folder that contains a path; the root is empty.
    private static func folder(of path: Path) -> Path {
        guard let slash = path.lastIndex(of: 0x2F) else { return [] }
        return Array(path[..<slash])
    }

    /// The inode at a path; nil if there is none.
    func node(at path: Path) -> Node? { names[Self.normalized(path)].map { nodes[$0] } }

    /// The paths whose name or contents have these bytes, in no order.
    func paths(with bytes: Path) -> [Path] {
        names.compactMap { path, inode in
            path.firstRange(of: bytes) != nil || nodes[inode].bytes.firstRange(of: bytes) != nil ? path : nil
        }
    }

    /// The entries of a folder, in the order of their bytes.
    func entries(of folder: Path) -> [FolderEntry] {
        let folder = Self.normalized(folder)
        return names.keys.filter { !$0.isEmpty && Self.folder(of: $0) == folder }
            .sorted { $0.lexicographicallyPrecedes($1) }
            .map { FolderEntry(bytes: Array($0.dropFirst(folder.count + 1))) }
    }

    // MARK: Faults

    /// Draws a fault.
    private mutating func happens(_ probability: Double) -> Bool {
        probability > 0 && Double.random(in: 0..<1, using: &random) < probability
    }

    /// Counts an operation, and fails if the process has ended or a fault is drawn.
    ///
    /// - Returns: whether the process ends in the middle of this operation. The caller makes an arbitrary part of the
    ///   effect happen and throws `ended`.
    @discardableResult
    mutating func begin(_ operation: Operation, _ path: Path?) throws(FileError) -> Bool {
        if hasCrashed { throw Self.ended }
        operationCount += 1
        if happens(faults.slowness) { delay += faults.slowTime }
        if let crashOperation, operationCount >= crashOperation {
            hasCrashed = true
            if operation == .other || operation == .read { throw Self.ended }
            return true
        }
        let probability =
            switch operation {
            case .read: faults.readError
            case .sync: faults.syncError
            case .names: faults.nameError
            case .append, .other: 0.0
            }
        let isDamaged = path.map { faults.damagedPaths.contains(String(decoding: $0, as: UTF8.self)) } ?? false
        if happens(probability) || isDamaged && operation != .names { throw FileError(code: EIO) }
        return false
    }

    /// The error of operations of a process that has ended.
    private static let ended = FileError(code: EIO)

    /// A path of an inode, for faults of single files.
    private func path(of inode: Int) -> Path? {
        faults.damagedPaths.isEmpty ? nil : names.first { $0.value == inode }?.key
    }

    // MARK: Names

    /// Makes a change of names visible; it is durable later.
    private mutating func apply(_ change: NameChange) {
        if let removed = change.removed { names[removed] = nil }
        if let added = change.added { names[added] = change.inode }
        nodes[change.inode].changeTime = time
        nameChanges.append(change)
    }

    /// Makes a change of names visible. If the process ends in this operation, the change may or may not happen.
    private mutating func applyUnlessEnded(_ change: NameChange, ends: Bool) throws(FileError) {
        if !ends || Bool.random(using: &random) { apply(change) }
        if ends { throw Self.ended }
    }

    /// Adds an inode without a name.
    private mutating func addNode(_ node: Node) -> Int {
        nodes.append(node)
        nodes[nodes.count - 1].changeTime = time
        return nodes.count - 1
    }

    mutating func makeFolder(_ path: Path) throws(FileError) {
        let path = Self.normalized(path)
        let ends = try begin(.names, path)
        if names[path] != nil {
            if ends { throw Self.ended }
            return
        }
        guard node(at: Self.folder(of: path))?.kind == .folder else { throw FileError(code: ENOENT) }
        let inode = addNode(Node(kind: .folder))
        try applyUnlessEnded(NameChange(inode: inode, removed: nil, added: path), ends: ends)
    }

    mutating func open(_ path: Path, for purpose: OpenFile.Purpose) throws(FileError) -> (inode: Int, byteCount: Int) {
        let creates =
            switch purpose {
            case .reading, .appending: false
            case .appendingOrCreating, .creating, .replacing, .updating: true
            }
        let ends = try begin(creates && names[path] == nil ? .names : .other, path)
        if let inode = names[path] {
            let node = nodes[inode]
            if node.isLink { throw FileError(code: ELOOP) }
            guard node.kind == .file else { throw FileError("it is \(node.kind), not a file") }
            if case .creating = purpose { throw FileError(code: EEXIST) }
            if case .replacing = purpose { record(inode, .shorten(0)) }
            return (inode, nodes[inode].bytes.count)
        }
        guard creates, node(at: Self.folder(of: path))?.kind == .folder else { throw FileError(code: ENOENT) }
        let inode = addNode(Node(kind: .file))
        try applyUnlessEnded(NameChange(inode: inode, removed: nil, added: path), ends: ends)
        return (inode, 0)
    }

    mutating func move(_ path: Path, to other: Path) throws(FileError) {
        let ends = try begin(.names, path)
        guard let inode = names[path], node(at: Self.folder(of: other))?.kind == .folder else {
            throw FileError(code: ENOENT)
        }
        if let target = names[other], nodes[target].kind == .folder, nodes[inode].kind != .folder {
            throw FileError(code: EISDIR)
        }
        try applyUnlessEnded(NameChange(inode: inode, removed: path, added: other), ends: ends)
    }

    mutating func remove(_ path: Path, isFolder: Bool) throws(FileError) {
        let ends = try begin(.names, path)
        guard let inode = names[path] else { throw FileError(code: ENOENT) }
        guard (nodes[inode].kind == .folder) == isFolder else { throw FileError(code: isFolder ? ENOTDIR : EISDIR) }
        if isFolder, !entries(of: path).isEmpty { throw FileError(code: ENOTEMPTY) }
        try applyUnlessEnded(NameChange(inode: inode, removed: path, added: nil), ends: ends)
    }

    mutating func syncNames(in folder: Path) throws(FileError) {
        let folder = Self.normalized(folder)
        let ends = try begin(.sync, folder)
        if ends, Bool.random(using: &random) { throw Self.ended }
        // A change is durable together with the earlier changes of the same inode and of the same names.
        var (inodes, paths) = (Set<Int>(), Set<Path>())
        var isDurable = [Bool](repeating: false, count: nameChanges.count)
        for index in nameChanges.indices.reversed() {
            let change = nameChanges[index]
            let touched = [change.removed, change.added].compactMap(\.self)
            guard
                touched.contains(where: { Self.folder(of: $0) == folder || paths.contains($0) })
                    || inodes.contains(change.inode)
            else { continue }
            isDurable[index] = true
            inodes.insert(change.inode)
            paths.formUnion(touched)
        }
        for (change, isDurable) in zip(nameChanges, isDurable) where isDurable { Self.apply(change, to: &durableNames) }
        nameChanges = zip(nameChanges, isDurable).filter { !$1 }.map(\.0)
        if ends { throw Self.ended }
    }

    /// Makes a change in a table of names.
    private static func apply(_ change: NameChange, to names: inout [Path: Int]) {
        if let removed = change.removed, names[removed] == change.inode { names[removed] = nil }
        if let added = change.added { names[added] = change.inode }
    }

    mutating func lock(_ path: Path) throws(FileError) -> Int? {
        let (inode, _) = try open(path, for: .updating)
        guard !nodes[inode].isLocked else { return nil }
        nodes[inode].isLocked = true
        return inode
    }

    mutating func unlock(_ inode: Int) { nodes[inode].isLocked = false }

    // MARK: Contents

    mutating func read(_ inode: Int, at offset: Int, count: Int) throws(FileError) -> [UInt8] {
        try begin(.read, path(of: inode))
        return Array(nodes[inode].bytes.dropFirst(offset).prefix(count))
    }

    mutating func change(_ inode: Int, _ change: Change) throws(FileError) {
        let ends = try begin(.append, path(of: inode))
        guard case .append(let bytes) = change else {
            if !ends || Bool.random(using: &random) { record(inode, change) }
            if ends { throw Self.ended }
            return
        }
        let free = faults.capacity == .max ? Int.max : faults.capacity - nodes.reduce(0) { $0 + $1.bytes.count }
        var count = bytes.count
        if ends || happens(faults.shortWrite) { count = Int.random(in: 0..<max(1, bytes.count), using: &random) }
        count = min(count, max(0, free))
        if count > 0 { record(inode, .append(Array(bytes.prefix(count)))) }
        if ends { throw Self.ended }
        if count < bytes.count { throw FileError(code: ENOSPC) }
    }

    /// Makes a change of contents visible; it is durable later.
    private mutating func record(_ inode: Int, _ change: Change) {
        nodes[inode].changes.append((nodes[inode].bytes.count, change))
        switch change {
        case .append(let bytes): nodes[inode].bytes += bytes
        case .shorten(let count): nodes[inode].bytes = Array(nodes[inode].bytes.prefix(count))
        }
        nodes[inode].changeTime = time
    }

    mutating func sync(_ inode: Int) throws(FileError) {
        let ends = try begin(.sync, path(of: inode))
        if ends, Bool.random(using: &random) { throw Self.ended }
        nodes[inode].durable = nodes[inode].bytes
        nodes[inode].changes = []
        if ends { throw Self.ended }
    }

    // MARK: Other processes

    /// Adds an entry whose contents and name are durable.
    mutating func addDurable(_ node: Node, _ path: Path) {
        var folder = Self.folder(of: path)
        while !folder.isEmpty {
            let inode = names[folder] ?? addNode(Node(kind: .folder))
            names[folder] = inode
            durableNames[folder] = inode
            folder = Self.folder(of: folder)
        }
        let inode = addNode(node)
        names[path] = inode
        durableNames[path] = inode
    }

    mutating func addForeign(_ kind: SimulatedDisk.ForeignKind, _ path: Path) {
        var node =
            switch kind {
            case .folder: Node(kind: .folder)
            case .pipe: Node(kind: .pipe)
            case .socket: Node(kind: .socket)
            case .device: Node(kind: .characterDevice)
            case .link, .emptyFile: Node(kind: .file)
            case .garbage: Node(kind: .file, bytes: (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) })
            }
        node.isLink = kind == .link
        addDurable(node, path)
    }

    /// The state for the next process, without locks and faults.
    func restarted(seed: UInt64) -> DiskState {
        var next = self
        next.random = SeededGenerator(seed: seed)
        next.faults = DiskFaults()
        (next.operationCount, next.crashOperation, next.hasCrashed) = (0, nil, false)
        for index in next.nodes.indices { next.nodes[index].isLocked = false }
        return next
    }

    /// The state after a loss of power: a change that was not synced happened, did not happen, or happened in part, and
    /// independently of the changes before it.
    func afterPowerLoss(seed: UInt64) -> DiskState {
        var next = restarted(seed: seed)
        for index in next.nodes.indices {
            let bytes = next.survivingBytes(of: nodes[index])
            next.nodes[index].bytes = bytes
            next.nodes[index].durable = bytes
            next.nodes[index].changes = []
        }
        var names = durableNames
        for change in nameChanges where Bool.random(using: &next.random) {
            // A name that the disk has not cannot be moved.
            if let removed = change.removed, names[removed] != change.inode { continue }
            Self.apply(change, to: &names)
        }
        // Shorter paths first: without its folder an entry is unreachable.
        for path in names.keys.sorted(by: { $0.count < $1.count }) where !path.isEmpty {
            let parent = names[Self.folder(of: path)]
            if parent.map({ next.nodes[$0].kind != .folder }) ?? true { names[path] = nil }
        }
        (next.names, next.durableNames, next.nameChanges) = (names, names, [])
        return next
    }

    /// Makes a part of a write read as zeros or as stale bytes: the disk has not written all of its blocks.
    private mutating func garble(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let start = Int.random(in: bytes.indices, using: &random)
        let end = Int.random(in: start..<bytes.count, using: &random)
        let isStale = Bool.random(using: &random)
        for index in start...end { bytes[index] = isStale ? UInt8.random(in: 0...255, using: &random) : 0 }
    }

    /// The contents of a file after a loss of power.
    private mutating func survivingBytes(of node: Node) -> [UInt8] {
        var bytes = node.durable
        for (offset, change) in node.changes {
            switch change {
            case .append(var added):
                var count = added.count
                switch Int.random(in: 0..<4, using: &random) {
                case 0: count = 0
                case 1: break
                case 2: count = Int.random(in: 0...count, using: &random)
                default: garble(&added)
                }
                guard count > 0 else { continue }
                // A block in front that was not written reads as zeros.
                if bytes.count < offset { bytes += [UInt8](repeating: 0, count: offset - bytes.count) }
                let end = min(bytes.count, offset + count)
                bytes.replaceSubrange(offset..<end, with: added.prefix(count))
            case .shorten(let count): if Bool.random(using: &random) { bytes = Array(bytes.prefix(count)) }
            }
        }
        return bytes
    }
}
