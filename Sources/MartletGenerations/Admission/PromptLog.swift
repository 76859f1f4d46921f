package import Logging
internal import MartletPlatform
package import MartletProtocol
internal import NIOCore
package import NIOPosix
internal import Synchronization

/// A folder with one file per prompt of a completion, in the form that the template rendered. It is meant for
/// debugging: prompts are private.
///
/// Thread: any; a thread pool writes the files. At most `pendingLimit` prompts wait for the disk; further ones are left
/// out.
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

    /// Makes the folder if it is missing. Only the server's account can read it.
    /// - Throws: if the folder cannot be made or written, or the path is not a folder.
    package init(folder: String, pool: NIOThreadPool = .singleton, logger: Logger) throws(UnusablePromptFolder) {
        if mkdir(folder, 0o700) != 0, errno != EEXIST { throw Self.unusable(folder, errno) }
        // The point makes the call fail for a file of this name.
        if access(folder + "/.", W_OK | X_OK) != 0 { throw Self.unusable(folder, errno) }
        self.folder = folder
        self.pool = pool
        self.logger = logger
    }

    private static func unusable(_ folder: String, _ errorNumber: Int32) -> UnusablePromptFolder {
        UnusablePromptFolder(
            folder: folder, reason: "\(IOError(errnoCode: errorNumber, reason: "no folder to write to"))")
    }

    /// Writes one file per prompt, on the thread pool.
    package func write(_ prompts: [Prompt]) {
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

    /// Logs a failure unless the prompt before failed too.
    ///
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

    /// The text of a prompt. Token ids become a JSON array.
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

/// A folder for prompts that cannot be used. The description is one line that names the flag.
package struct UnusablePromptFolder: Error, CustomStringConvertible, Equatable {
    package let folder: String
    package let reason: String

    package var description: String { "--log-prompts-dir: \(folder) cannot be used: \(reason)" }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
