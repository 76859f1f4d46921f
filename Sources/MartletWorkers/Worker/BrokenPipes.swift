import MartletPlatform

/// Pipes whose reader is gone.
package enum BrokenPipes {
    /// Makes writing to one an error of that write instead of the end of the process, from now on and for the whole
    /// process. Children do not inherit it.
    package static func ignore() { _ = once }

    private static let once: Void = { _ = signal(SIGPIPE, SIG_IGN) }()
}
