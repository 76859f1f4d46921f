import Foundation
import MartletFiles
import MartletProtocol
import MartletTestSupport

@testable import MartletStreams

/// One seed of `JournalSimulationTests`.
struct JournalSimulation {
    /// How often the parts of the simulation were reached.
    struct Counts {
        var crashes = 0
        var restored = 0
        var cut = 0
        var setAside = 0
        var upgraded = 0
        var kept = 0
        var lost = 0

        mutating func add(_ other: Counts) {
            crashes += other.crashes
            restored += other.restored
            cut += other.cut
            setAside += other.setAside
            upgraded += other.upgraded
            kept += other.kept
            lost += other.lost
        }
    }

    /// A generation as its clients know it.
    private struct Model {
        /// The tokens that were passed to the journal, and how many of them are durable.
        var tokens: [Int32] = []
        var durableTokens = 0
        var isEnded = false
        var isEndDurable = false
        /// Whether its removal is durable; nil = no removal was asked for.
        var removal: Bool?
        var isDurable = false
    }

    private(set) var story: [String] = []
    private(set) var counts = Counts()
    private let hasFaults: Bool
    private let seed: UInt64
    private var random: SeededGenerator
    private var disk: SimulatedDisk
    private var models: [String: Model] = [:]
    /// Running generations of the present server.
    private var handles: [(id: String, handle: GenerationHandle)] = []
    private var lastHandle: UInt64 = 0
    private var lastToken: Int32 = 0
    /// Journals of newer builds, which no server may change.
    private var newer: [String: [UInt8]] = [:]
    private var foreignCount = 0
    /// Whether the disk has failed in the present server's life, so that journals may be incomplete.
    private var mayBeLost = false

    init(seed: UInt64, hasFaults: Bool = false) {
        self.seed = seed
        self.hasFaults = hasFaults
        random = SeededGenerator(seed: seed)
        disk = SimulatedDisk(seed: seed)
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    private mutating func chance(_ percent: Int) -> Bool { number(1...100) <= percent }

    /// Runs some servers in a row.
    /// - Returns: what is wrong; nil = nothing.
    mutating func run() -> String? {
        // Without syncs only the death of the process is survived.
        let syncs = chance(60)
        for life in 1...number(2...4) {
            story.append("server \(life)")
            if life > 1 || chance(30) { addForeignEntries() }
            if hasFaults, chance(70) { setFaults() }
            if chance(80) { disk.crash(atOperation: number(1...220)) }
            if let problem = live(syncs: syncs) { return problem }
            counts.crashes += disk.hasCrashed ? 1 : 0
            disk.crash()
            let next = UInt64.random(in: 0 ... .max, using: &random)
            if syncs, chance(50) {
                story.append("loss of power")
                disk = disk.afterPowerLoss(seed: next)
            } else {
                story.append("death of the process")
                disk = disk.afterProcessDeath(seed: next)
            }
        }
        disk.faults = DiskFaults()
        // The last server does not die.
        story.append("last server")
        return live(syncs: syncs)
    }

    private mutating func setFaults() {
        var faults = DiskFaults()
        faults.shortWrite = [0, 0.05, 0.3].randomElement(using: &random) ?? 0
        faults.syncError = [0, 0.05].randomElement(using: &random) ?? 0
        faults.nameError = [0, 0.05].randomElement(using: &random) ?? 0
        faults.readError = [0, 0.02].randomElement(using: &random) ?? 0
        faults.capacity = [Int.max, 4_000].randomElement(using: &random) ?? .max
        faults.slowness = 0.1
        disk.faults = faults
        mayBeLost = true
        story.append("faults: short \(faults.shortWrite), sync \(faults.syncError), names \(faults.nameError)")
    }

    // MARK: One server

    private mutating func live(syncs: Bool) -> String? {
        let executor = ManualStepExecutor()
        let folder = JournalFolder(path: "/var/state", disk: disk)
        handles = []
        let journal: Journal
        var recovered: [String] = []
        do throws(JournalError) {
            try folder.prepare(syncs: syncs)
            guard let lock = try folder.lock() else { return "the folder is locked" }
            try folder.restoreKept()
            recovered = try folder.ids()
            journal = Journal(
                folder: folder, lock: lock, durability: syncs ? .fsync : .write,
                maximumOpenCount: chance(50) ? 2 : 128, clock: { 1_000_000 }, executor: executor)
        } catch {
            // A disk that fails leaves the server without a journal.
            return disk.hasCrashed || mayBeLost ? nil : "\(error)"
        }
        if let problem = recover(recovered, folder, journal) { return problem }
        for _ in 0..<number(0...40) where !disk.hasCrashed {
            act(on: journal)
            if chance(30), let problem = step(executor, journal) { return problem }
        }
        while !disk.hasCrashed, executor.hasStep {
            if let problem = step(executor, journal) { return problem }
        }
        counts.lost += journal.metrics.lost
        return nil
    }

    /// Runs a step of the journal's thread. Its entries are durable then.
    private mutating func step(_ executor: ManualStepExecutor, _ journal: Journal) -> String? {
        guard executor.runStep(), !disk.hasCrashed else { return nil }
        let isLost = journal.metrics.lost > 0 || journal.metrics.isFailing
        if isLost, !mayBeLost { return "a journal was abandoned on a disk without faults" }
        story.append(isLost ? "step with a failure" : "step")
        guard !isLost else { return nil }
        for (id, var model) in models {
            model.durableTokens = model.tokens.count
            model.isDurable = true
            model.isEndDurable = model.isEnded
            if model.removal != nil { model.removal = true }
            models[id] = model
        }
        return nil
    }

    private mutating func act(on journal: Journal) {
        switch number(1...100) {
        case 1...20: begin(on: journal)
        case 21...75:
            guard let (id, handle) = handles.randomElement(using: &random) else { return }
            lastToken += 1
            models[id]?.tokens.append(lastToken)
            story.append("token \(lastToken) of \(id.prefix(4))")
            let text = String(repeating: "x", count: number(0...40))
            journal.append(
                .engine(EngineEvent(handle, .token(id: lastToken, text: ArraySlice(text.utf8)))), of: handle)
        case 76...85:
            guard let (_, handle) = handles.randomElement(using: &random) else { return }
            journal.append(.ping, of: handle)
        case 86...95:
            guard let index = handles.indices.randomElement(using: &random) else { return }
            let (id, handle) = handles.remove(at: index)
            models[id]?.isEnded = true
            story.append("end of \(id.prefix(4))")
            let end = EngineEvent.Kind.finished(
                GenerationSummary(reason: .endOfGeneration, timings: Timings()), text: [])
            journal.append(.engine(EngineEvent(handle, end)), of: handle)
        default:
            let ended = models.filter { $0.value.isEnded && $0.value.removal == nil }.keys.sorted()
            guard let id = ended.randomElement(using: &random) else { return }
            models[id]?.removal = false
            story.append("removal of \(id.prefix(4))")
            journal.remove(id)
        }
    }

    private mutating func begin(on journal: Journal) {
        let id = (0..<32).map { _ in String(number(0...15), radix: 16) }.joined()
        lastHandle += 1
        let handle = GenerationHandle(rawValue: lastHandle)
        handles.append((id, handle))
        models[id] = Model()
        story.append("begin of \(id.prefix(4))")
        let head = LogHead(id: id, created: Int64(lastHandle), model: Self.model)
        var spec = GenerationSpec(head: head, responseID: "cmpl-" + id, view: NumberedView())
        spec.lifetime = .background
        spec.storedRequest = Array("{\"id\":\"\(id)\"}".utf8)
        spec.resolvedOptions = [8, 1]
        journal.begin(handle, JournalHead(spec))
        let request = GenerationRequest(handle: handle, prompt: Prompt(pieces: [], addsBeginning: false))
        journal.append(JournalRequest(request, model: ModelInformation(), parserDescription: [8, 1]))
    }

    private static let model = "simulated"

    /// Whether all texts are those of the simulation.
    private static func hasOwnTexts(_ stored: StoredGeneration) -> Bool {
        stored.inputs.allSatisfy { input in
            guard case .engine(let event) = input, case .token(_, let text) = event.kind else { return true }
            return text.allSatisfy { $0 == UInt8(ascii: "x") }
        }
    }

    // MARK: Recovery

    /// Reads all journals as a server does at its start, and compares them with what clients know.
    private mutating func recover(_ ids: [String], _ folder: JournalFolder, _ journal: Journal) -> String? {
        var missing = Set(models.keys)
        do throws(JournalError) {
            for entry in try folder.unknownEntries() {
                try folder.setAside(entry)
                counts.setAside += 1
            }
        } catch {
            if !disk.hasCrashed, !mayBeLost { return "an entry stays: \(error)" }
        }
        for id in folder.inOrder(ids) where !disk.hasCrashed {
            do throws(JournalError) {
                if let problem = try recover(id, folder, journal) { return problem }
                missing.remove(id)
            } catch {
                // The file is retained, and a later server tries again.
                missing.remove(id)
                if !disk.hasCrashed, !mayBeLost { return "\(id): \(error)" }
            }
        }
        guard !disk.hasCrashed else { return nil }
        for id in missing.sorted() {
            guard let model = models[id] else { continue }
            if model.isDurable, model.removal == nil, !mayBeLost {
                return "\(id.prefix(4)) is lost with \(model.durableTokens) durable tokens"
            }
            models[id] = nil
        }
        for (id, bytes) in newer {
            let places = ["\(folder.newer)/\(id).journal", folder.file(of: id)].compactMap { disk.contents(of: $0) }
            // After an error of the disk it waits among the journals for the next server.
            if places == [bytes], mayBeLost || disk.contents(of: folder.file(of: id)) == nil { continue }
            return "the journal \(id.prefix(4)) of a newer build has changed"
        }
        // From now on only the faults of this server count.
        mayBeLost =
            disk.faults.shortWrite + disk.faults.syncError + disk.faults.nameError + disk.faults.readError > 0
            || disk.faults.capacity < .max
        return nil
    }

    private mutating func recover(
        _ id: String, _ folder: JournalFolder, _ journal: Journal
    ) throws(JournalError) -> String? {
        let result: JournalReader.Result
        do throws(JournalError) {
            result = try folder.read(id, syncs: journal.durability == .fsync)
        } catch {
            guard error.isOfTheFile else { throw error }
            counts.setAside += 1
            try folder.setAside(id, from: 0)
            return models[id] == nil ? nil : "\(id.prefix(4)) is no file"
        }
        if result.needsNewerBuild {
            _ = try folder.setAsideForNewerBuild(id)
            counts.kept += 1
            return newer[id] == nil ? "\(id.prefix(4)) needs a newer build: \(result.damage ?? "")" : nil
        }
        if result.damage != nil {
            try folder.setAside(id, from: result.generation?.extent.byteCount ?? 0)
            if result.generation == nil { counts.setAside += 1 } else { counts.cut += 1 }
        }
        guard var stored = result.generation else {
            defer { models[id] = nil }
            return models[id]?.isDurable == true && models[id]?.removal == nil && !mayBeLost
                ? "\(id.prefix(4)) has no head" : nil
        }
        if let problem = compare(stored, id) { return problem }
        if result.version < JournalFormat.version, !stored.isEnded {
            guard let upgraded = try folder.upgrade(id).generation else { return "an upgrade is unreadable" }
            if let problem = compare(upgraded, id) { return "after the upgrade: \(problem)" }
            stored = upgraded
            counts.upgraded += 1
        }
        counts.restored += 1
        if stored.isEnded {
            journal.retain(stored)
        } else {
            lastHandle += UInt64(stored.head.choiceCount)
            let handle = GenerationHandle(rawValue: lastHandle)
            journal.resume(handle, stored)
            handles.append((id, handle))
        }
        return nil
    }

    /// Compares a journal with the tokens that were passed to it, and takes it over as the truth.
    private mutating func compare(_ stored: StoredGeneration, _ id: String) -> String? {
        guard let model = models[id] else { return "\(id.prefix(4)) was never begun, or is back after its removal" }
        if model.removal == true, !mayBeLost { return "\(id.prefix(4)) is back after its removal" }
        let tokens = stored.tokens
        story.append("\(id.prefix(4)) has \(tokens.count) of \(model.durableTokens)/\(model.tokens.count) tokens")
        guard model.tokens.starts(with: tokens) else { return "\(id.prefix(4)) has other tokens" }
        guard tokens.count >= model.durableTokens || mayBeLost else { return "\(id.prefix(4)) lost a durable token" }
        guard !stored.isEnded || model.isEnded else { return "\(id.prefix(4)) has an end that never came" }
        guard stored.isEnded || !model.isEndDurable || mayBeLost else { return "\(id.prefix(4)) lost its end" }
        guard !stored.isEnded || tokens == model.tokens else { return "\(id.prefix(4)) ends early" }
        guard tokens.isEmpty || stored.head.log.model != Self.model || Self.hasOwnTexts(stored) else {
            return "\(id.prefix(4)) has a foreign text"
        }
        guard stored.head.log.id == id else { return "\(id.prefix(4)) has another id" }
        models[id]?.tokens = tokens
        models[id]?.durableTokens = tokens.count
        models[id]?.isEnded = stored.isEnded
        models[id]?.isEndDurable = stored.isEnded
        models[id]?.isDurable = true
        models[id]?.removal = nil
        return nil
    }

    // MARK: Entries of other programs and builds

    private mutating func addForeignEntries() {
        for _ in 0..<number(0...2) {
            foreignCount += 1
            let kind = SimulatedDisk.ForeignKind.allCases.randomElement(using: &random) ?? .pipe
            let name =
                switch number(1...4) {
                case 1: FolderEntry("notes-\(foreignCount).txt")
                case 2: FolderEntry(bytes: [0xFF, 0x41, UInt8(foreignCount)])
                // The name of a journal.
                default: FolderEntry(String(format: "%032x.journal", foreignCount))
                }
            story.append("foreign \(kind) \(name)")
            disk.addForeign(kind, name, in: "/var/state/streams")
        }
        if chance(15) { addNewerJournal() }
        if chance(15) { addOldJournal() }
    }

    private static func id(_ number: Int, _ prefix: String) -> String {
        prefix + String(format: "%028x", number)
    }

    private static let currentJournal = (try? StoredVersionTests.bytes(version: 4, choices: 1)) ?? []
    private static let oldJournal = (try? StoredVersionTests.bytes(version: 3, choices: 1)) ?? []

    private mutating func addNewerJournal() {
        foreignCount += 1
        let id = Self.id(foreignCount, "aaaa")
        var bytes = Self.currentJournal
        if chance(50) { bytes[8] += 1 } else { bytes[10] = 1 }
        story.append("journal \(id.prefix(4)) of a newer build")
        newer[id] = bytes
        disk.write(bytes, to: "/var/state/streams/\(id).journal")
    }

    /// An unfinished journal of version 3.
    private mutating func addOldJournal() {
        let bytes = Self.oldJournal
        let ends = StoredVersionTests.ends(bytes)
        let beginning = Array(bytes[..<ends[number(2...min(6, ends.count - 2))]])
        guard let stored = try? JournalReader.read(JournalBytes(beginning)).generation,
            models[stored.head.log.id] == nil
        else { return }
        var model = Model()
        model.tokens = stored.tokens
        model.durableTokens = stored.tokens.count
        model.isDurable = true
        story.append("journal \(stored.head.log.id.prefix(4)) of version 3")
        models[stored.head.log.id] = model
        disk.write(beginning, to: "/var/state/streams/\(stored.head.log.id).journal")
    }
}
