import MartletFiles
import MartletProtocol
import MartletStateFiles

/// Reads and writes the files of saved slots on a thread of its own, which begins with the first action.
///
/// Thread: the engine thread calls the methods; `post` is called on the other thread.
final class SlotFiles {
    /// A file that was read, and the time that reading took.
    struct ReadFile: Sendable {
        var result: Result<(stored: StoredState, byteCount: Int), EngineError>
        var duration: Duration
    }

    private enum Job: Sendable {
        case read(SlotJob, path: String)
        case write(SlotJob, StoredState, path: String, copyTime: Duration)
        case stop
    }

    /// Computes the fingerprint of the context.
    typealias MakeFingerprint = @Sendable () throws(FileError) -> StateFingerprint?

    private let jobs = Mailbox<Job>()
    private var thread: EngineThread?
    private let post: @Sendable (EngineMessage) -> Void
    private let makeFingerprint: MakeFingerprint

    /// - Parameters:
    ///   - fingerprint: called once, on the thread of the files.
    ///   - post: passes a message to the engine thread.
    init(fingerprint: @escaping MakeFingerprint, post: @escaping @Sendable (EngineMessage) -> Void) {
        makeFingerprint = fingerprint
        self.post = post
    }

    /// Reads a file. The message `slotRead` follows.
    func read(_ job: SlotJob, path: String) { add(.read(job, path: path)) }

    /// Writes a state to a file, and replies to the action.
    ///
    /// - Parameter copyTime: the time that the copy of the state took.
    func write(_ stored: StoredState, for job: SlotJob, path: String, copyTime: Duration) {
        add(.write(job, stored, path: path, copyTime: copyTime))
    }

    private func add(_ job: Job) {
        if thread == nil {
            let (jobs, post, makeFingerprint) = (jobs, post, makeFingerprint)
            thread = EngineThread { Self.run(jobs, post, makeFingerprint) }
        }
        jobs.post(job)
    }

    private static func run(
        _ jobs: Mailbox<Job>, _ post: @Sendable (EngineMessage) -> Void, _ makeFingerprint: MakeFingerprint
    ) {
        var known: Result<StateFingerprint, EngineError>?
        while true {
            for job in jobs.receive(waits: true) {
                let begin = MonotonicTime.now
                let fingerprint = known ?? fingerprint(makeFingerprint)
                known = fingerprint
                switch job {
                case .read(let job, let path):
                    let result = fingerprint.flatMap { read(path, $0) }
                    post(.slotRead(job, ReadFile(result: result, duration: .now - begin)))
                case .write(let job, let stored, let path, let copyTime):
                    let result = fingerprint.flatMap { write(stored, $0, path) }
                    job.reply.finish(
                        result.map { byteCount in
                            SlotActionResult(
                                tokenCount: stored.items.count, byteCount: byteCount,
                                duration: copyTime + (.now - begin))
                        })
                case .stop: return
                }
            }
        }
    }

    private static func fingerprint(_ make: MakeFingerprint) -> Result<StateFingerprint, EngineError> {
        do throws(FileError) {
            guard let made = try make() else { throw FileError("it has no fingerprint") }
            return .success(made)
        } catch {
            return .failure(EngineError(.invalidRequest, "The model cannot be identified: \(error)."))
        }
    }

    private static func read(
        _ path: String, _ fingerprint: StateFingerprint
    ) -> Result<(stored: StoredState, byteCount: Int), EngineError> {
        do throws(StateFileError) {
            return .success(try StateFolder.state(of: path, fingerprint: fingerprint))
        } catch {
            return .failure(EngineError(.invalidRequest, "The file \(name(of: path)) \(error)."))
        }
    }

    private static func write(
        _ stored: StoredState, _ fingerprint: StateFingerprint, _ path: String
    ) -> Result<Int, EngineError> {
        do throws(FileError) {
            // The first file of a cache scope makes the scope's folder.
            if let end = path.lastIndex(of: "/"), end != path.startIndex {
                _ = try StateFolder(path: String(path[..<end]))
            }
            return .success(try StateFolder.write(stored, fingerprint: fingerprint, to: path))
        } catch {
            return .failure(EngineError(.invalidRequest, "The file \(name(of: path)) cannot be written: \(error)."))
        }
    }

    /// The last part of a path. A client does not learn the folder.
    private static func name(of path: String) -> String { String(path.split(separator: "/").last ?? "") }

    /// Completes the actions that were added, and ends the thread.
    func shutdown() {
        guard let thread else { return }
        jobs.post(.stop)
        thread.join()
        self.thread = nil
    }
}
