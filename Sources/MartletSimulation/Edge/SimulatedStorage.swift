import Logging
import MartletGenerations
import MartletStreams
import MartletTestSupport
import NIOCore

/// The journal and the recovery of one server process: the real ones on a simulated disk, whose steps are steps of the
/// simulation.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
final class SimulatedStorage: @unchecked Sendable {
    let recovery: RecoveryProgress
    private let journal: Journal
    private let ids: [String]
    private let world: SimulatedWorld
    private let journalExecutor: SimulatedStepExecutor
    private let recoveryExecutor: SimulatedStepExecutor
    private let logger: Logger

    /// The folder of the state on the simulated disk.
    static let folder = "/state"

    /// Opens the journal as `EdgeServer` does; nil if it cannot be opened.
    init?(_ world: SimulatedWorld, number: Int, logger: Logger) {
        self.world = world
        self.logger = logger
        journalExecutor = SimulatedStepExecutor("edge \(number), journal", world.scheduler)
        recoveryExecutor = SimulatedStepExecutor("edge \(number), recovery", world.scheduler)
        recovery = RecoveryProgress(requestTimeout: .seconds(5), executor: recoveryExecutor)
        do {
            let folder = JournalFolder(path: Self.folder, disk: world.disk)
            try folder.prepare(syncs: world.limits.durability == .fsync)
            guard let lock = try folder.lock() else {
                world.fail(.leftovers, "the lock of the state folder is held by an earlier process")
                return nil
            }
            try folder.restoreKept()
            ids = try folder.ids()
            journal = Journal(
                folder: folder, lock: lock, durability: world.limits.durability,
                maximumByteCount: world.limits.journalByteCount, maximumOpenCount: world.limits.openJournalCount,
                clock: { world.milliseconds }, executor: journalExecutor,
                onFailure: { problem in
                    // A process that is ending at this operation notices nothing any more.
                    guard !world.disk.hasCrashed else { return }
                    world.record("journal", "fails: \(problem)")
                    // The journal gives up durability rather than delay its readers. It does not report that other
                    // generations reach a limit meanwhile.
                    let isOneFile = world.disk.faults.isOfOneFile && world.limits.journalByteCount == .max
                    if !isOneFile { world.truth.diskFailed() }
                    world.truth.hasJournalFailed = true
                })
        } catch {
            world.record("journal", "cannot be opened: \(error)")
            return nil
        }
    }

    /// Attaches the journal to the registry and begins the recovery.
    func begin(on edge: SimulatedEdge) {
        edge.registry.record(with: JournalRecorder(journal: journal))
        let work = Recovery(
            journal: journal, ids: ids, completions: edge.completions, makePlan: SimulatedRequest.plan(of:),
            makeView: { _, _, _ in SimulationView() }, progress: recovery,
            retainTime: Int64(world.limits.retention.time.nanoseconds / 1_000_000_000),
            onReading: { [world] id in world.record("recovery", "reads \(id.prefix(6))") },
            onContinue: { [world] generation in
                world.record("recovery", "continues \(generation.spec.head.id.prefix(6))")
                world.pass(.resumption)
            },
            eventLoop: edge.eventLoops[0], logger: logger)
        recovery.begin(RecoveryRun(work))
    }

    /// Ends the recovery, then the journal.
    func close() async {
        await recovery.stop()
        await journal.close()
    }

    /// Whether a generation has a journal.
    func hasFile(_ id: String) -> Bool { world.disk.contents(of: "\(Self.folder)/streams/\(id).journal") != nil }

    /// Lets the disk hang for a duration in nanoseconds.
    func stall(for duration: UInt64) { journalExecutor.stall(for: duration) }

    /// The process is gone.
    func end() {
        journalExecutor.end()
        recoveryExecutor.end()
    }
}
