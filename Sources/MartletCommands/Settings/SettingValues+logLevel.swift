import Logging

extension SettingValues {
    /// What is logged: llama-server's numbers as levels.
    var logLevel: Logger.Level {
        if toggle(.verbose) == true { return .trace }
        return switch integer(.logVerbosity) ?? 3 {
        case ...1: .error
        case 2: .warning
        case 3: .info
        case 4: .debug
        default: .trace
        }
    }
}
