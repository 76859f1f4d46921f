import Logging

extension SettingValues {
    /// What is logged: llama-server's numbers as levels.
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

    /// Whether requests are told all that can be told, unless they say otherwise.
    var isVerbose: Bool { toggle(.verbose) == true || (integer(.logVerbosity) ?? 3) >= 10 }
}
