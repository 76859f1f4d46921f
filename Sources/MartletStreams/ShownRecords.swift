internal import MartletProtocol

/// Which of a log's records readers may see while the journal writes them.
///
/// After a crash the engine writes text anew, the same under the same numbers. So text is shown before it is written, but no
/// further than `reach` records ahead: a server that comes afterwards knows from its journal which numbers readers may have
/// seen. What does not come back by itself is shown when it is written, and text behind it is too.
struct ShownRecords {
    enum Caution: Sendable {
        case nothing
        /// Text comes back by itself, other events do not.
        case orders
        /// Nothing comes back by itself, such as how several choices interleave.
        case everything
    }

    /// How many records of text may be shown ahead of the disk: more than a model writes in a few milliseconds, and few enough
    /// to be written anew in a moment.
    static let reach = 16

    private(set) var caution = Caution.nothing
    /// How many records are written, or cannot be.
    private(set) var written = 0
    /// Where events are that have to be written first; ascending.
    private var held: [Int] = []
    /// Up to where the journal was asked to say that it has written.
    private var asked = 0

    /// - Parameter count: how many records there are, all of them written.
    mutating func set(_ caution: Caution, count: Int) {
        self.caution = caution
        written = count
        asked = count
        held = []
    }

    /// The next event is to become record number `index`.
    mutating func add(_ event: LogEvent, at index: Int) {
        if caution == .orders, !event.comesBack { held.append(index) }
    }

    /// How many of `count` records may be shown.
    func shown(of count: Int) -> Int {
        switch caution {
        case .nothing: count
        case .orders: min(count, written + Self.reach, held.first ?? .max)
        case .everything: min(count, written)
        }
    }

    /// Whether the journal has to say when it has written `count` records.
    func mustAsk(of count: Int) -> Bool {
        guard count > asked else { return false }
        switch caution {
        case .nothing: return false
        // In time, so that readers do not come to a stand.
        case .orders: return !held.isEmpty || count - asked >= Self.reach / 2
        case .everything: return true
        }
    }

    mutating func ask(for count: Int) { asked = count }

    /// - Returns: whether that is news.
    mutating func write(_ count: Int) -> Bool {
        guard caution != .nothing, count > written else { return false }
        written = count
        held.removeFirst(held.firstIndex { $0 >= count } ?? held.count)
        return true
    }
}

extension LogEvent {
    /// Whether a server that comes after a crash tells it again, the same in the same place, byte for byte.
    fileprivate var comesBack: Bool {
        switch self {
        case .text, .call, .arguments, .warning: true
        case .scoredText(_, _, _, let notes): notes.standing == nil
        case .choice(_, let event): event.comesBack
        case .admitted, .started, .promptProgress, .promptTokens, .controlled, .ping, .handedOver, .ended, .finished,
            .failed:
            false
        }
    }
}
