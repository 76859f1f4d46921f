import MartletDownloads
import MartletPlatform
import MartletWorkers
import Synchronization

/// Shows the progress of a download on standard error: one line that is rewritten on a terminal, else a line for each
/// tenth.
///
/// Thread: any.
final class DownloadDisplay: Sendable {
    /// The shown line. Reports of progress arrive from several connections at once.
    private struct State {
        /// The last tenth that had a line; -2 = the line about waiting was written.
        var lastTenth = -1
        /// The time of the last line on a terminal.
        var lastShown: ContinuousClock.Instant?
        /// The number of characters of the line on the terminal.
        var lineLength = 0
    }

    /// The lock is held while a line is written, so that lines do not mix.
    private let state = Mutex(State())
    /// Whether one line is rewritten.
    private let isTerminal: Bool
    /// Writes to standard error.
    private let write: @Sendable (String) -> Void
    /// Receives the bytes so far instead of the display; `nil` = the display shows them.
    private let onProgress: (@Sendable (ProgressMeter) -> Void)?

    /// - Parameter write: Writes to the display; a test replaces it.
    init(
        isTerminal: Bool = isatty(STDERR_FILENO) == 1,
        write: @escaping @Sendable (String) -> Void = { Terminal.write($0, to: STDERR_FILENO) },
        onProgress: (@Sendable (ProgressMeter) -> Void)? = nil
    ) {
        self.onProgress = onProgress
        self.isTerminal = isTerminal
        self.write = write
    }

    /// Shows a new state.
    func show(_ progress: DownloadProgress) {
        let text: String? = state.withLock { state in
            switch progress {
            case .began(let name): return "martlet: downloading \(name.printable)\n"
            case .waiting(let name):
                guard state.lastTenth != -2 else { return nil }
                state.lastTenth = -2
                return "martlet: another process downloads \(name.printable); waiting for it\n"
            case .advanced(let meter): return line(meter, &state)
            }
        }
        if let text { write(text) }
    }

    /// Ends the line on the terminal.
    func finish() {
        let text = state.withLock { state in
            defer { state.lineLength = 0 }
            return state.lineLength > 0 ? "\n" : ""
        }
        if !text.isEmpty { write(text) }
    }

    /// The text of a new state; `nil` if the last text is recent enough.
    private func line(_ meter: ProgressMeter, _ state: inout State) -> String? {
        let now = ContinuousClock.now
        if let onProgress {
            if let last = state.lastShown, now - last < .milliseconds(200), meter.fraction < 1 { return nil }
            state.lastShown = now
            onProgress(meter)
            return nil
        }
        let isComplete = meter.doneByteCount >= meter.totalByteCount
        if isTerminal {
            if let last = state.lastShown, now - last < .milliseconds(200), !isComplete { return nil }
            state.lastShown = now
            let text = Self.text(meter, at: now)
            defer { state.lineLength = text.count }
            return "\r" + text + String(repeating: " ", count: max(0, state.lineLength - text.count))
        }
        let tenth = Int(meter.fraction * 10)
        guard tenth > state.lastTenth else { return nil }
        state.lastTenth = tenth
        return "martlet: \(Self.text(meter, at: now))\n"
    }

    /// Example: ` 42%  256 MiB of 610 MiB  18.3 MiB/s  0:19 left`.
    static func text(_ meter: ProgressMeter, at now: ContinuousClock.Instant) -> String {
        let percent = String(Int(meter.fraction * 100))
        var text = String(repeating: " ", count: max(0, 3 - percent.count)) + percent + "%  "
        text += DoctorFinding.size(meter.doneByteCount) + " of " + DoctorFinding.size(meter.totalByteCount)
        let rate = meter.rate(at: now)
        if rate > 0 { text += "  " + DoctorFinding.size(UInt64(rate)) + "/s" }
        if let left = meter.timeLeft(at: now), meter.fraction < 1 {
            let seconds = Int(left / .seconds(1))
            let minutes = seconds / 60 % 60
            let tail = (seconds % 60 < 10 ? "0" : "") + "\(seconds % 60)"
            text += seconds >= 3_600 ? "  \(seconds / 3_600) h \(minutes) min left" : "  \(minutes):\(tail) left"
        }
        return text
    }

    /// Ends the process when standard input ends: the server that started it has ended. A part on disk survives this at
    /// any moment.
    static func endWithInput() throws {
        try DedicatedThread.start {
            var buffer = [UInt8](repeating: 0, count: 256)
            while true {
                let count = buffer.withUnsafeMutableBytes { bytes in
                    (try? FileDescriptor.standardInput.read(into: bytes)) ?? 0
                }
                if count == 0 { _exit(1) }
            }
        }
    }
}
