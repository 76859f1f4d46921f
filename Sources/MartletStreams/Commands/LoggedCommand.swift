package import MartletProtocol

/// A control command that took effect, as an entry of the log.
package struct LoggedCommand: Sendable, Equatable {
    /// The effect.
    package var command: AppliedCommand
    /// The index of the first token that the effect concerns, counted from 0.
    package var token: Int
    /// For a rewind: the number of the first event whose text is void, up to this entry. Events without text stay
    /// valid.
    package var cut: Int?
    /// For a rewind: the bytes of content that the continued turn keeps.
    package var contentBytes: Int?
    /// For a fork: the ids of the new generations.
    package var forks: [String]

    package init(_ command: AppliedCommand, token: Int, cut: Int? = nil, forks: [String] = []) {
        self.command = command
        self.token = token
        self.cut = cut
        self.forks = forks
    }
}

extension [LogEvent] {
    /// The events without the text that rewinds have made void.
    package var effective: [LogEvent] {
        guard contains(where: { $0.cut != nil }) else { return self }
        var effective: [(number: Int, event: LogEvent)] = []
        var number = 0
        for event in self {
            if let cut = event.cut { effective.removeAll { $0.number >= cut && $0.event.isText } }
            effective.append((number, event))
            // Pings have no number.
            if event != .ping { number += 1 }
        }
        return effective.map(\.event)
    }
}

extension LogEvent {
    fileprivate var cut: Int? {
        if case .controlled(let record) = self { record.cut } else { nil }
    }

    fileprivate var isText: Bool {
        switch self {
        case .text, .detailedText: true
        default: false
        }
    }
}
