/// A flag of llama-server that is not a setting of Martlet.
///
/// Scripts for llama-server work unchanged: a flag that changes no response is accepted, a missing capability is
/// refused by name.
struct PeerFlag: Sendable {
    /// The effect of the flag.
    enum Support: Sendable, Equatable {
        /// The flag describes the only behaviour. It is accepted silently.
        case always
        /// The flag changes no response. It is accepted, and the log has the reason.
        case withoutEffect(String)
        /// The flag needs a capability that Martlet does not have yet. It is refused.
        case missing(String)
    }

    /// All spellings with their dashes, long and short.
    let names: [String]
    /// Spellings of the opposite, e.g. `--no-jinja`.
    let negatives: [String]
    /// llama-server's variables: those of `environment`, then the derived ones.
    let environmentNames: [String]
    /// The number of values that follow the flag on a command line.
    let valueCount: Int
    /// Values with which the flag has no effect at llama-server either, e.g. `0`. They are accepted.
    let neutralValues: Set<String>
    /// The effect of `names`.
    let support: Support
    /// The effect of `negatives`.
    let negativeSupport: Support

    /// - Parameters:
    ///   - environment: Variables of llama-server whose names do not follow from the flag's name.
    ///   - negative: The effect of the opposite.
    init(
        _ names: [String], negatives: [String] = [], environment: [String] = [], values valueCount: Int = 0,
        neutral neutralValues: Set<String> = [], _ support: Support, negative: Support = .always
    ) {
        self.names = names
        self.negatives = negatives
        self.valueCount = valueCount
        self.neutralValues = neutralValues
        self.support = support
        negativeSupport = negative
        let derived = names.filter { $0.hasPrefix("--") }.map(SettingName.peerVariable)
        environmentNames = environment + derived.filter { !environment.contains($0) }
    }

    /// The effect of a variable with this value; `nil` = none.
    func support(ofVariable text: String) -> Support? {
        if valueCount > 0 { return neutralValues.contains(text) ? nil : support }
        return switch Switch(text) {
        case .on: support
        case .off: negatives.isEmpty ? nil : negativeSupport
        default: nil
        }
    }

    /// The error for a refused flag; `nil` if the flag is accepted.
    static func refusal(of name: String, _ support: Support) -> String? {
        guard case .missing(let capability) = support else { return nil }
        return "\(name): a flag of llama-server that martlet does not support yet (\(capability))"
    }

    /// The log line about an accepted flag; `nil` if there is nothing to say.
    static func notice(on name: String, _ support: Support) -> String? {
        guard case .withoutEffect(let reason) = support else { return nil }
        return "\(name) has no effect: \(reason)"
    }
}

/// The words of llama-server for on, off and, where there is a third state, automatic. Case does not matter.
enum Switch: String, Sendable {
    case on
    case off
    case auto

    /// `nil` for any other word, e.g. a misspelt one.
    init?(_ text: String) {
        switch text.lowercased() {
        case "on", "true", "1", "yes", "enabled": self = .on
        case "off", "false", "0", "no", "disabled": self = .off
        case "auto", "-1": self = .auto
        default: return nil
        }
    }
}
