package import Logging
internal import MartletPlatform
internal import MartletProtocol
internal import NIOCore
package import NIOPosix
internal import Synchronization

/// A folder with a file for each prompt of a completion, as its template rendered it. For debugging: prompts are
/// private.
///
/// Thread: any; files are written by a thread pool. Prompts beyond `pendingLimit` that wait for the disk are left out.
package final class PromptLog: Sendable {
    private struct State {
        var pendingCount = 0
        /// Of the last prompt, so that two of one millisecond have names of their own.
        var number: UInt64 = 0
        /// Whether the last prompt has no file; a failure is logged once until a file is written again.
        var isFailing = false
    }

    private static let pendingLimit = 64

    private let folder: String
    private let pool: NIOThreadPool
    private let logger: Logger
    private let state = Mutex(State())

    /// Makes the folder where it is missing, for the server's account alone.
    /// - Throws: where that is impossible, or what is there is no folder.
    package init(folder: String, pool: NIOThreadPool = .singleton, logger: Logger) throws(EdgeServerError) {
        if mkdir(folder, 0o700) != 0, errno != EEXIST { throw Self.unusable(folder, errno) }
        // The point makes it an error that a file has the name.
        if access(folder + "/.", W_OK | X_OK) != 0 { throw Self.unusable(folder, errno) }
        self.folder = folder
        self.pool = pool
        self.logger = logger
    }

    private static func unusable(_ folder: String, _ errorNumber: Int32) -> EdgeServerError {
        .unusable(
            flag: "--log-prompts-dir", path: folder, IOError(errnoCode: errorNumber, reason: "no folder to write to"))
    }

    func write(_ prompts: [Prompt]) {
        for prompt in prompts {
            let number = state.withLock { state -> UInt64? in
                guard state.pendingCount < Self.pendingLimit else { return nil }
                state.pendingCount += 1
                state.number += 1
                return state.number
            }
            guard let number else {
                report("\(Self.pendingLimit) prompts wait for the disk")
                continue
            }
            pool.submit { [self] _ in
                let failure = writeFile(prompt, number)
                state.withLock { $0.pendingCount -= 1 }
                report(failure)
            }
        }
    }

    /// - Parameter failure: `nil` = a file was written.
    private func report(_ failure: String?) {
        let isNew = state.withLock { state in
            defer { state.isFailing = failure != nil }
            return failure != nil && !state.isFailing
        }
        if isNew, let failure {
            logger.warning("a prompt has no file", metadata: ["folder": "\(folder)", "reason": "\(failure)"])
        }
    }

    private func writeFile(_ prompt: Prompt, _ number: UInt64) -> String? {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let name = "\(Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)-\(number).txt"
        let descriptor = open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return String(cString: strerror(errno)) }
        defer { close(descriptor) }
        var bytes = Array(Self.text(of: prompt).utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { systemWrite(descriptor, $0) }
            if count > 0 {
                bytes.removeFirst(count)
            } else if errno != EINTR {
                return String(cString: strerror(errno))
            }
        }
        return nil
    }

    /// Texts as they are; tokens as a JSON array.
    private static func text(of prompt: Prompt) -> String {
        var text = ""
        for piece in prompt.pieces {
            switch piece {
            case .text(let piece, _): text += piece
            case .tokens(let tokens): text += "[" + tokens.map { "\($0)" }.joined(separator: ", ") + "]"
            }
        }
        return text
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
