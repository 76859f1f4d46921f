/// A flag of llama-server that is no setting here.
struct PeerFlag: Sendable {
    enum Support: Sendable, Equatable {
        /// Asks for what always is.
        case always
        /// Changes no answer, for the reason that is given, and is taken.
        case withoutEffect(String)
        /// Asks for a capability that martlet does not have yet, and is refused.
        case missing(String)
    }

    let names: [String]
    /// Spellings that ask for the opposite.
    let negatives: [String]
    let environmentNames: [String]
    /// How many values follow it on a command line.
    let valueCount: Int
    /// Values that ask for nothing, so that the flag stands for nothing.
    let neutralValues: Set<String>
    let support: Support
    let negativeSupport: Support

    /// - Parameters:
    ///   - environment: Variables of llama-server whose names do not follow from the flag's.
    ///   - negative: What the opposite asks for.
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

    /// What a variable with this value asks for; `nil` = nothing.
    func support(ofVariable text: String) -> Support? {
        if valueCount > 0 { return neutralValues.contains(text) ? nil : support }
        return switch Switch(text) {
        case .on: support
        case .off: negatives.isEmpty ? nil : negativeSupport
        default: nil
        }
    }

    /// The line with which `name` is refused, if it is.
    static func refusal(of name: String, _ support: Support) -> String? {
        guard case .missing(let capability) = support else { return nil }
        return "\(name): llama-server has this, martlet does not have it yet (\(capability))"
    }

    /// The line with which `name` is taken, if there is one.
    static func notice(on name: String, _ support: Support) -> String? {
        guard case .withoutEffect(let reason) = support else { return nil }
        return "\(name) changes nothing: \(reason)"
    }
}

/// What llama-server lets stand for on, off and, where there is a third, automatic.
enum Switch: String, Sendable {
    case on
    case off
    case auto

    init?(_ text: String) {
        switch text.lowercased() {
        case "on", "true", "1", "yes", "enabled": self = .on
        case "off", "false", "0", "no", "disabled": self = .off
        case "auto", "-1": self = .auto
        default: return nil
        }
    }
}
