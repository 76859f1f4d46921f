import MartletPlatform

/// The terminal that a person sits at.
enum Terminal {
    /// Whether the standard input is a terminal.
    static var isInputTerminal: Bool { isatty(STDIN_FILENO) == 1 }
    /// Whether the standard output is a terminal.
    static var isOutputTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    /// Whether the standard error is a terminal.
    static var isErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// The size of the standard output in cells, see `size(of:)`.
    static var size: ChatScreen.Size { size(of: STDOUT_FILENO) }

    /// The size in cells; 80 × 24 if the descriptor is not a terminal or does not report its size.
    static func size(of descriptor: Int32) -> ChatScreen.Size {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return ChatScreen.Size(columns: 80, rows: 24)
        }
        return ChatScreen.Size(columns: Int(size.ws_col), rows: size.ws_row > 0 ? Int(size.ws_row) : 24)
    }

    /// Writes all of `text`. Stops silently at the first error, e.g. when the terminal is gone.
    static func write(_ text: String, to descriptor: Int32 = STDOUT_FILENO) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while let base = UnsafeRawBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
                #if canImport(Darwin)
                    let count = Darwin.write(descriptor, base, rest.count)
                #elseif canImport(Glibc)
                    let count = Glibc.write(descriptor, base, rest.count)
                #else
                    let count = Musl.write(descriptor, base, rest.count)
                #endif
                if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return }
            }
        }
    }

    /// Stops this process as Ctrl-Z does. Returns when it is continued.
    ///
    /// Threads of Swift's pool block signals. The signal is directed at this thread and unblocked for the call: otherwise the
    /// thread would run on until another one stops the process.
    private static func stopProcess() {
        var signals = sigset_t()
        var before = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTSTP)
        pthread_sigmask(SIG_UNBLOCK, &signals, &before)
        raise(SIGTSTP)
        pthread_sigmask(SIG_SETMASK, &before, nil)
    }

    /// A terminal that delivers each key at once, without echo. The end of the value's life restores the old mode.
    struct RawMode: ~Copyable {
        private let original: termios
        /// The mode in which each key arrives at once.
        private let raw: termios

        /// - Returns: `nil` if standard input is not a terminal.
        init?() {
            var attributes = termios()
            let isTerminal = tcgetattr(STDIN_FILENO, &attributes) == 0
            original = attributes
            raw = Self.raw(attributes)
            guard isTerminal, enter() else { return nil }
        }

        /// Gives the terminal back and stops the process (Ctrl-Z). Returns when the shell continues the process.
        func suspend() {
            leave()
            Terminal.stopProcess()
            _ = enter()
        }

        /// The attributes without echo, lines and signals.
        private static func raw(_ original: termios) -> termios {
            var attributes = original
            attributes.c_iflag &= ~tcflag_t(BRKINT | ICRNL | INPCK | ISTRIP | IXON)
            attributes.c_lflag &= ~tcflag_t(ECHO | ICANON | IEXTEN | ISIG)
            // The processing of output stays on, so that "\n" begins a new line.
            return attributes
        }

        /// Sets the mode, and switches bracketed paste on.
        private func enter() -> Bool {
            var attributes = raw
            guard tcsetattr(STDIN_FILENO, TCSANOW, &attributes) == 0 else { return false }
            Terminal.write("\u{1B}[?2004h")
            return true
        }

        /// Restores the mode before.
        private func leave() {
            Terminal.write("\u{1B}[?2004l")
            var attributes = original
            tcsetattr(STDIN_FILENO, TCSANOW, &attributes)
        }

        deinit { leave() }
    }
}
