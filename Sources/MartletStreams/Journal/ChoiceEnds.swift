internal import MartletProtocol

/// The choices of a generation that have ended. The generation ends with its last choice, or with the first that fails.
struct ChoiceEnds: Sendable, Equatable {
    let count: Int
    private var ended: Set<Int> = []
    private var hasFailed = false

    init(count: Int) { self.count = count }

    var isEnded: Bool { hasFailed || ended.count == count }

    func contains(_ choice: Int) -> Bool { ended.contains(choice) }

    mutating func record(_ event: EngineEvent.Kind, of choice: Int) {
        switch event {
        case .finished: ended.insert(choice)
        case .failed: hasFailed = true
        default: break
        }
    }
}
