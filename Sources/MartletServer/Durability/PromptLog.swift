package import Logging
internal import MartletPlatform
internal import MartletProtocol
internal import NIOCore
package import NIOPosix
internal import Synchronization

/// A folder with one file per prompt of a completion, as the chat template rendered it. For debugging: prompts are
/// private.
///
/// Thread: any. A thread pool writes the files. If `pendingLimit` prompts wait for the disk, further ones are dropped.
package final class PromptLog: Sendable {
    private struct State {
        var pendingCount = 0
        /// The number of the last prompt, so that two prompts of one millisecond have different names.
        var number: UInt64 = 0
        /// Whether the last prompt has no file. A failure is logged once, until a file is written again.
        var isFailing = false
    }

    /// Prompts that may wait for the disk. Each occupies its memory.
    private static let pendingLimit = 64

    private let folder: String
    private let pool: NIOThreadPool
    private let logger: Logger
    private let state = Mutex(State())

    /// Makes the folder if it is missing, with access for the server's account only.
    /// - Throws: if the folder cannot be made or written to.
    package init(folder: String, pool: NIOThreadPool = .singleton, logger: Logger) throws(EdgeServerError) {
        if mkdir(folder, 0o700) != 0, errno != EEXIST { throw Self.unusable(folder, errno) }
        // With "/." the call fails for a file of that name.
        if access(folder + "/.", W_OK | X_OK) != 0 { throw Self.unusable(folder, errno) }
        self.folder = folder
        self.pool = pool
        self.logger = logger
    }

    private static func unusable(_ folder: String, _ errorNumber: Int32) -> EdgeServerError {
        .unusable(
            flag: "--log-prompts-dir", path: folder, IOError(errnoCode: errorNumber, reason: "no folder to write to"))
    }

    /// Queues a file for each prompt and returns at once.
    func write(_ prompts: [Prompt]) {
        for prompt in prompts {
            let number = state.withLock { state -> UInt64? in
                guard state.pendingCount < Self.pendingLimit else { return nil }
                state.pendingCount += 1
                state.number += 1
                return state.number
            }
            guard let number else {
                report("more than \(Self.pendingLimit) prompts wait for the disk")
                continue
            }
            pool.submit { [self] _ in
                let failure = writeFile(prompt, number)
                state.withLock { $0.pendingCount -= 1 }
                report(failure)
            }
        }
    }

    /// Logs the first failure after a success.
    /// - Parameter failure: nil if a file was written.
    private func report(_ failure: String?) {
        let isNew = state.withLock { state in
            defer { state.isFailing = failure != nil }
            return failure != nil && !state.isFailing
        }
        if isNew, let failure {
            logger.warning(
                "cannot write a prompt to its file", metadata: ["folder": "\(folder)", "reason": "\(failure)"])
        }
    }

    /// - Returns: the failure; nil if the file was written.
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

    /// The prompt's text; runs of token ids as JSON arrays.
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
