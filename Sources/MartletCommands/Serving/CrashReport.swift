import MartletPlatform

/// The settings of Swift's crash reporter for a server.
///
/// By default the reporter describes every thread and every loaded library with full symbols, which takes 7 to 14 s.
/// The server is gone only after that, so clients wait. With these settings the report is the stack of the crashed
/// thread alone, and takes about half a second.
enum CrashReport {
    static let variable = "SWIFT_BACKTRACE"
    /// One thread, no list of libraries, no registers, no prompt at a terminal. `fast` leaves out inlined functions.
    static let settings =
        "threads=crashed,images=none,registers=none,symbolicate=fast,interactive=no,color=no,sanitize=no"

    /// Starts the program again with the settings in its environment, unless the environment has settings already.
    ///
    /// The Swift runtime reads the variable before `main`, so a running process cannot set it for itself. `exec` keeps
    /// the process number, the open files and the ignored signals, so the parent does not notice. It takes about 20 ms.
    /// The function returns in the new program, and also where `exec` fails: a slow report is better than no server.
    ///
    /// The new program removes the variable again. Workers then do not inherit it: their supervisor switches their
    /// reports off, so that a crashed worker is replaced at once.
    static func configure() {
        switch CurrentProcess.environment(variable) {
        case nil:
            guard let path = CurrentProcess.executable, setenv(variable, settings, 1) == 0 else { return }
            execv(path.string, CommandLine.unsafeArgv)
            unsetenv(variable)
        case settings: unsetenv(variable)
        default: break
        }
    }
}
