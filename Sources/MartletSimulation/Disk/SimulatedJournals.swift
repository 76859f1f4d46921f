import MartletStreams
import MartletTestSupport

/// The journals that other builds of the server have written or continued on the disk of a run.
///
/// Written by faults and by starts of servers, on the run's thread.
struct SimulatedJournals {
    /// A journal that only a newer build can read, with the header that it had before.
    private struct Borrowed {
        var id: String
        var header: [UInt8]
    }
    /// Journals of generations that a newer build has continued.
    private var borrowed: [Borrowed] = []
    /// The ids of journals that no build of a run can read back, with their bytes. Nothing may change them.
    private(set) var foreign: [String: [UInt8]] = [:]

    /// The header of a journal of a version that no build has yet.
    private static let newerHeader = Array("mrtljrnl".utf8) + [99, 0, 0, 0]
    /// The header of a journal of a version that builds do not read any more.
    private static let oldestHeader = Array("mrtljrnl".utf8) + [2, 0, 7, 0]

    /// The ids and paths of all journals of generations, the oldest generation first.
    static func paths(in world: SimulatedWorld) -> [(id: String, path: String)] {
        world.truth.ids.map { (id: $0, path: path(of: $0, in: "streams")) }
            .filter { world.disk.contents(of: $0.path) != nil }
    }

    private static func path(of id: String, in folder: String) -> String {
        "\(SimulatedStorage.folder)/\(folder)/\(id).journal"
    }

    // MARK: Faults

    /// Rewrites all journals in the form of version 3.
    func makeOlder(in world: SimulatedWorld) {
        world.disk.syncAll()
        for (id, path) in Self.paths(in: world) {
            guard let bytes = world.disk.contents(of: path), let older = OlderJournal.version3(of: bytes) else {
                continue
            }
            world.record("disk", "has the journal of \(id.prefix(6)) in version 3")
            world.disk.write(older, to: path)
            world.reach(.olderJournal)
        }
    }

    /// A newer build continues a journal, so that this build cannot read it.
    mutating func makeNewer(_ number: Int, in world: SimulatedWorld) {
        world.disk.syncAll()
        let files = Self.paths(in: world)
        guard !files.isEmpty else { return }
        let (id, path) = files[number % files.count]
        guard let bytes = world.disk.contents(of: path), bytes.count > Self.newerHeader.count,
            !bytes.starts(with: Self.newerHeader)
        else { return }
        world.record("disk", "has the journal of \(id.prefix(6)) in a newer version")
        let count = Self.newerHeader.count
        borrowed.append(Borrowed(id: id, header: Array(bytes[..<count])))
        world.disk.write(Self.newerHeader + bytes[count...], to: path)
        world.truth.update(id) { ($0.isAway, $0.wasAway) = (true, true) }
        world.reach(.newerJournal)
    }

    /// Adds a journal that this build cannot read: it is retained for a newer build, or set aside.
    mutating func addOfNoBuild(_ number: Int, in world: SimulatedWorld) {
        let id = String(repeating: String(number % 10), count: 32)
        guard foreign[id] == nil else { return }
        let isNewer = number % 2 == 0
        world.record("disk", "gets a journal of \(isNewer ? "a newer build" : "version 2")")
        let bytes = (isNewer ? Self.newerHeader : Self.oldestHeader) + Array(id.utf8)
        world.disk.write(bytes, to: Self.path(of: id, in: "streams"))
        foreign[id] = bytes
        if isNewer { world.reach(.newerJournal) }
    }

    // MARK: Starts

    /// Before a server starts: the newer build has run again, and has written its journals in the version of this one.
    mutating func bringBack(in world: SimulatedWorld) {
        guard !borrowed.isEmpty else { return }
        world.disk.syncAll()
        for journal in borrowed {
            for path in ["streams", "newer"].map({ Self.path(of: journal.id, in: $0) }) {
                guard let bytes = world.disk.contents(of: path) else { continue }
                world.record("disk", "has the journal of \(journal.id.prefix(6)) in this version again")
                world.disk.write(journal.header + bytes[journal.header.count...], to: path)
                world.truth.update(journal.id) { $0.isAway = false }
                world.reach(.returnedJournal)
            }
        }
        borrowed = []
    }

    // MARK: Checks

    /// The first journal of another build that is gone or has changed.
    /// - Returns: a sentence about it; nil = all are there.
    func fault(on world: SimulatedWorld) -> String? {
        for (id, bytes) in foreign.sorted(by: { $0.key < $1.key }) {
            // A loss of power may take the folder in which a journal of an old version was set aside.
            if bytes.starts(with: Self.oldestHeader), world.reached.contains(.powerLoss) { continue }
            if world.disk.paths(with: String(decoding: bytes, as: UTF8.self)).isEmpty {
                return "the journal \(id.prefix(6)) of another build is gone or has changed"
            }
        }
        for journal in borrowed {
            let places = ["streams", "newer"].compactMap { world.disk.contents(of: Self.path(of: journal.id, in: $0)) }
            let record = world.truth.records[journal.id]
            if places.isEmpty, record?.mayLack == false, record?.isDeleting == false {
                return "the journal \(journal.id.prefix(6)) that a newer build continued is gone"
            }
        }
        return nil
    }
}
