import MartletStreams
import MartletTestSupport

/// One fault of a run: its kind and the step at which it happens.
struct SimulatedFault: Sendable {
    enum Kind: Sendable, Equatable {
        case edgeDies
        case powerFails
        case terminate
        /// A second SIGTERM while the first one is being followed, or two at once.
        case terminateTwice
        /// SIGHUP: certificates are read again, which changes nothing here.
        case reload
        case workerDies(WorkerDeath)
        case workerHangs
        /// The disk ends the process in the middle of an operation.
        case diskEndsProcess(losesPower: Bool, afterOperations: Int)
        /// The disk is full, or operations fail, for some milliseconds.
        case diskFails(DiskFailure)
        /// The disk does nothing for some milliseconds.
        case diskHangs(milliseconds: Int)
        /// A bit of a journal flips while no server runs.
        case bitFlips(Int)
        /// An entry that is no journal, or a journal of another build, appears in the folder.
        case foreignEntry(Int)
        /// Another model replaces the file of the model, and the worker dies.
        case modelChanges
    }
    /// A way in which operations of the disk fail.
    enum DiskFailure: CaseIterable {
        case isFull
        case shortWrites
        case syncErrors
        case nameErrors
        case readErrors
    }
    var kind: Kind
    var step: Int

    /// The fault with a number.
    init(seed: UInt64, number: Int, steps: Int) {
        var random = SimulationRandom(seed: seed, part: 7 << 40 + UInt64(number))
        step = random.below(max(1, steps))
        switch random.below(27) {
        case 0...3: kind = .edgeDies
        case 4...5: kind = .powerFails
        case 6...7: kind = .terminate
        case 8: kind = .terminateTwice
        case 9: kind = .reload
        case 10...12: kind = .workerDies(random.element(of: WorkerDeath.allCases))
        case 13: kind = .workerHangs
        case 14...18:
            kind = .diskEndsProcess(losesPower: random.chance(2, of: 5), afterOperations: random.number(1...12))
        case 19...20: kind = .diskFails(random.element(of: DiskFailure.allCases))
        case 24: kind = .bitFlips(random.below(1 << 20))
        case 25: kind = .modelChanges
        case 21: kind = .diskHangs(milliseconds: random.element(of: [20, 100, 400, 1_500]))
        default: kind = .foreignEntry(random.below(1_000))
        }
    }

    /// Lets the fault happen.
    func strike(_ world: SimulatedWorld) {
        switch kind {
        case .edgeDies: world.killEdge(losesPower: false)
        case .powerFails: world.killEdge(losesPower: true)
        case .terminate: world.edge?.terminate()
        case .terminateTwice:
            world.edge?.terminate()
            world.edge?.terminate()
        case .reload: world.record("edge", "receives SIGHUP")
        case .workerDies(let death): world.worker?.nextDeath = death
        case .workerHangs:
            world.record("worker", "stands still")
            world.worker?.hang()
        case .diskEndsProcess(let losesPower, let count):
            world.crashSoon(afterOperations: count, losesPower: losesPower)
        case .diskFails(let failure): fail(failure, world)
        case .diskHangs(let milliseconds):
            world.record("disk", "hangs for \(milliseconds) ms")
            world.edge?.storage?.stall(for: UInt64(milliseconds) * 1_000_000)
            // After a quarter of a second readers see events that are not durable (decision 0080).
            guard milliseconds > 150 else { break }
            world.truth.diskFailed()
            world.truth.isDiskHanging = true
            let end = world.scheduler.now + UInt64(milliseconds) * 1_000_000
            world.scheduler.addTimer(at: end, on: world.scheduler.makeLane("disk")) { [truth = world.truth] in
                truth.isDiskHanging = false
            }
        case .foreignEntry(let number): addForeign(number, world)
        case .bitFlips(let number): flipBit(number, world)
        case .modelChanges:
            world.changeModel()
            world.worker?.nextDeath = .behindFrame
        }
    }

    private func fail(_ failure: DiskFailure, _ world: SimulatedWorld) {
        var faults = DiskFaults()
        switch failure {
        case .isFull: faults.capacity = 1_000
        case .shortWrites: faults.shortWrite = 0.3
        case .syncErrors: faults.syncError = 0.3
        case .nameErrors: faults.nameError = 0.3
        case .readErrors: faults.readError = 0.3
        }
        world.record("disk", "fails: \(failure)")
        world.setDiskFaults(faults)
        let lane = world.scheduler.makeLane("disk")
        world.scheduler.addTimer(at: world.scheduler.now + 30_000_000, on: lane) { [weak world] in
            world?.record("disk", "works again")
            world?.setDiskFaults(DiskFaults())
        }
    }

    /// Ends the server, and flips a bit of one of its journals: the records from there on count as lost.
    private func flipBit(_ number: Int, _ world: SimulatedWorld) {
        world.killEdge(losesPower: false)
        let paths = world.truth.ids.map { (id: $0, path: "\(SimulatedStorage.folder)/streams/\($0).journal") }
        let files = paths.compactMap { file in world.disk.contents(of: file.path).map { (file, $0) } }
        guard !files.isEmpty else { return }
        let ((id, path), contents) = files[number % files.count]
        var bytes = contents
        guard !bytes.isEmpty else { return }
        let offset = number / 8 % bytes.count
        bytes[offset] ^= 1 << (number % 8)
        world.record("disk", "flips a bit in byte \(offset) of \(id.prefix(6))")
        world.disk.write(bytes, to: path)
        world.truth.update(id) { $0.mayLack = true }
    }

    private func addForeign(_ number: Int, _ world: SimulatedWorld) {
        let streams = SimulatedStorage.folder + "/streams"
        if number % 3 == 0 {
            // The header of a journal of a version that no build has yet: it must never be removed.
            let id = String(repeating: String(number % 10), count: 32)
            world.record("disk", "gets a journal of a newer build")
            world.disk.write(Array("mrtljrnl".utf8) + [99, 0, 0, 0, 1, 2, 3], to: "\(streams)/\(id).journal")
            world.truth.newerJournals.insert(id)
            world.reach(.newerJournal)
        } else {
            let kinds = SimulatedDisk.ForeignKind.allCases
            world.record("disk", "gets a foreign entry: \(kinds[number % kinds.count])")
            world.disk.addForeign(kinds[number % kinds.count], FolderEntry("foreign-\(number)"), in: streams)
        }
    }
}
