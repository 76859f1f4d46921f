import Logging

extension SettingValues {
    /// The log level for `--log-verbosity`, in llama-server's numbers.
    var logLevel: Logger.Level {
        if isVerbose { return .trace }
        return switch integer(.logVerbosity) ?? 3 {
        case ...1: .error
        case 2: .warning
        case 3: .info
        case 4: .debug
        default: .trace
        }
    }

    /// Whether `verbose` is the default of requests: `--verbose`, or a verbosity of 10 or more.
    var isVerbose: Bool { toggle(.verbose) == true || (integer(.logVerbosity) ?? 3) >= 10 }
}
