import MartletPlatform

/// The terminal that a person sits at.
enum Terminal {
    /// Whether the standard input is a terminal.
    static var isInputTerminal: Bool { isatty(STDIN_FILENO) == 1 }
    /// Whether the standard output is a terminal.
    static var isOutputTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// The width in columns; 80 if the output is not a terminal.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
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

    /// A terminal that delivers each key at once, without echo. The end of the value's life restores the old mode.
    struct RawMode: ~Copyable {
        private let original: termios

        /// - Returns: `nil` if standard input is not a terminal.
        init?() {
            var attributes = termios()
            let isTerminal = tcgetattr(STDIN_FILENO, &attributes) == 0
            original = attributes
            guard isTerminal else { return nil }
            attributes.c_iflag &= ~tcflag_t(BRKINT | ICRNL | INPCK | ISTRIP | IXON)
            attributes.c_lflag &= ~tcflag_t(ECHO | ICANON | IEXTEN | ISIG)
            // The processing of output stays on, so that "\n" begins a new line.
            guard tcsetattr(STDIN_FILENO, TCSANOW, &attributes) == 0 else { return nil }
            Terminal.write("\u{1B}[?2004h")
        }

        deinit {
            Terminal.write("\u{1B}[?2004l")
            var attributes = original
            tcsetattr(STDIN_FILENO, TCSANOW, &attributes)
        }
    }
}
