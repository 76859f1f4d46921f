package import MartletProtocol

/// An order that took effect, as a log keeps it.
package struct LoggedCommand: Sendable, Equatable {
    package var command: AppliedCommand
    /// The index of the first token that it concerns.
    package var token: Int
    /// Of a rewind: the text of this event and all later ones up to here is void. Other events stand.
    package var cut: Int?
    /// Of a rewind: how many bytes of content the turn that goes on has left.
    package var contentBytes: Int?
    /// Of a fork: the ids of the new generations.
    package var forks: [String]

    package init(_ command: AppliedCommand, token: Int, cut: Int? = nil, forks: [String] = []) {
        self.command = command
        self.token = token
        self.cut = cut
        self.forks = forks
    }
}

extension [LogEvent] {
    /// The events without the text that rewinds made void.
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
