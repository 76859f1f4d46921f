import MartletGenerations
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
        /// SIGHUP: a server with a certificate reads it again, which changes nothing here. Another server ends.
        case reload
        case workerDies(WorkerDeath)
        case workerHangs
        /// The disk ends the process in the middle of an operation.
        case diskEndsProcess(losesPower: Bool, afterOperations: Int)
        /// The same at each of these moments: the process that begins meanwhile dies at the next one.
        case diskEndsProcessAt([SimulatedWorld.Moment])
        /// The disk is full, or operations fail, for 30 to 240 milliseconds.
        case diskFails(DiskFailure)
        /// The disk does nothing for some milliseconds.
        case diskHangs(milliseconds: Int)
        /// The disk does nothing, and meanwhile the process ends: readers have seen all that they may see of text that
        /// is not durable.
        case diskHangsAndEdgeDies(milliseconds: Int)
        /// The same from the next moment of a kind on.
        case diskHangsAtAndEdgeDies(SimulatedWorld.Moment, milliseconds: Int)
        /// SIGTERM twice: all generations are handed over. When the next process continues one of them, its disk hangs,
        /// and it is killed.
        case handsOverAndDies(milliseconds: Int)
        /// A bit of a journal flips while no server runs.
        case bitFlips(Int)
        /// An entry that is no journal, or a journal of another build, appears in the folder.
        case foreignEntry(Int)
        /// Another model replaces the file of the model, and the worker dies.
        case modelChanges
        /// The server ends, and the journals were written by another build.
        case buildChanges(OtherBuild, Int)
    }
    /// Another build of the server, which ran in the same folder.
    enum OtherBuild {
        /// A build of journal version 3 wrote the journals so far.
        case older
        /// A newer build continued a journal. It runs again later, and then this one.
        case newer
    }
    /// A way in which operations of the disk fail.
    enum DiskFailure: CaseIterable {
        case isFull
        case shortWrites
        case syncErrors
        case nameErrors
        case readErrors
        /// The contents of one journal can be neither read nor written.
        case oneFile
    }
    var kind: Kind
    var step: Int

    /// The fault with a number.
    init(seed: UInt64, number: Int, steps: Int) {
        var random = SimulationRandom(seed: seed, part: 7 << 40 + UInt64(number))
        step = random.below(max(1, steps))
        switch random.below(44) {
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
        case 37...39:
            let moment = random.element(of: [SimulatedWorld.Moment.deletion, .deletion, .start])
            kind = .diskHangsAtAndEdgeDies(moment, milliseconds: random.number(2...80))
        case 40: kind = .diskEndsProcessAt([.fork])
        case 41...43: kind = .diskEndsProcessAt([.forkOfChoices, .wait])
        case 32...33: kind = .handsOverAndDies(milliseconds: random.number(5...180))
        case 34...36: kind = .diskHangsAndEdgeDies(milliseconds: random.number(5...140))
        case 26...27: kind = .buildChanges(.older, random.below(1_000))
        case 29...31: kind = .diskEndsProcessAt([random.element(of: SimulatedWorld.Moment.allCases)])
        case 28: kind = .buildChanges(.newer, random.below(1_000))
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
        case .reload:
            world.record("edge", "receives SIGHUP")
            guard !world.limits.hasCertificate, let edge = world.edge else { break }
            world.reach(.hangup)
            edge.terminate()
        case .workerDies(let death): world.worker?.nextDeath = death
        case .workerHangs:
            world.record("worker", "stands still")
            world.worker?.hang()
        case .diskEndsProcess(let losesPower, let count):
            world.crashSoon(afterOperations: count, losesPower: losesPower)
        case .diskEndsProcessAt(let moments): world.crashMoments = moments
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
        case .diskHangsAndEdgeDies(let milliseconds):
            world.hangAndDie(milliseconds: milliseconds)
        case .diskHangsAtAndEdgeDies(let moment, let milliseconds): world.hangMoment = (moment, milliseconds)
        case .handsOverAndDies(let milliseconds):
            world.hangMoment = (.resumption, milliseconds)
            world.edge?.terminate()
            world.edge?.terminate()
        case .foreignEntry(let number): addForeign(number, world)
        case .bitFlips(let number): flipBit(number, world)
        case .modelChanges:
            world.changeModel()
            world.worker?.nextDeath = .behindFrame
        case .buildChanges(let build, let number):
            world.killEdge(losesPower: false)
            switch build {
            case .older: world.journals.makeOlder(in: world)
            case .newer: world.journals.makeNewer(number, in: world)
            }
        }
    }

    private func fail(_ failure: DiskFailure, _ world: SimulatedWorld) {
        var faults = DiskFaults()
        guard failure != .oneFile else { return damageOneFile(world) }
        switch failure {
        case .isFull: faults.capacity = 1_000
        case .shortWrites: faults.shortWrite = 0.3
        case .syncErrors: faults.syncError = 0.3
        case .nameErrors: faults.nameError = 0.3
        case .readErrors: faults.readError = 0.3
        case .oneFile: break
        }
        world.record("disk", "fails: \(failure)")
        world.setDiskFaults(faults)
        endFailure(world)
    }

    /// The newest journal can be neither read nor written. Only its generation may lose records.
    private func damageOneFile(_ world: SimulatedWorld) {
        guard let (id, path) = SimulatedJournals.paths(in: world).last else { return }
        world.record("disk", "fails to read and write the journal of \(id.prefix(6))")
        world.disk.faults.damagedPaths = [path]
        world.truth.update(id) { $0.isFragile = true }
        // A server that begins meanwhile leaves the journal for the next one.
        if world.edge?.recovery.isRecovering == true { world.truth.hasFaultyStart = true }
        endFailure(world)
    }

    private func endFailure(_ world: SimulatedWorld) {
        let lane = world.scheduler.makeLane("disk")
        let duration = UInt64(30_000_000 << (step % 4))
        world.scheduler.addTimer(at: world.scheduler.now + duration, on: lane) { [weak world] in
            world?.record("disk", "works again")
            world?.setDiskFaults(DiskFaults())
        }
    }

    /// Ends the server, and flips a bit of one of its journals: the records from there on count as lost.
    private func flipBit(_ number: Int, _ world: SimulatedWorld) {
        world.killEdge(losesPower: false)
        let files = SimulatedJournals.paths(in: world).compactMap { file in
            world.disk.contents(of: file.path).map { (file, $0) }
        }
        guard !files.isEmpty else { return }
        let ((id, path), contents) = files[number % files.count]
        var bytes = contents
        guard !bytes.isEmpty else { return }
        let offset = number / 8 % bytes.count
        bytes[offset] ^= 1 << (number % 8)
        world.record("disk", "flips a bit in byte \(offset) of \(id.prefix(6))")
        world.disk.syncAll()
        world.disk.write(bytes, to: path)
        world.truth.update(id) { $0.mayLack = true }
    }

    private func addForeign(_ number: Int, _ world: SimulatedWorld) {
        let streams = SimulatedStorage.folder + "/streams"
        guard number % 3 > 0 else { return world.journals.addOfNoBuild(number, in: world) }
        let kinds = SimulatedDisk.ForeignKind.allCases
        world.record("disk", "gets a foreign entry: \(kinds[number % kinds.count])")
        world.disk.addForeign(kinds[number % kinds.count], FolderEntry("foreign-\(number)"), in: streams)
    }
}
