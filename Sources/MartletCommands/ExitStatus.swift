/// The exit codes of all commands. docs/errors.md has the same table, and a test compares them.
///
/// Example: `martlet list --modls` ends with ``usage``, and `martlet list --models-dir /missing` with ``failure``.
enum ExitStatus: Int32, CaseIterable, Sendable {
    case success = 0
    /// The command could not do its work, or the thing that it checks has a problem.
    case failure = 1
    /// The command line is wrong: a command, a flag, a value, or a file that a flag of a server or a chat names.
    case usage = 2
    /// The response to one question ended at its limit of tokens. The text so far is printed.
    case cutOff = 3
    /// The server did not end in time after a signal, and was ended (EX_SOFTWARE).
    case overdue = 70
}
