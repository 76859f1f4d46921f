package import MartletProtocol
package import MartletStreams

/// The output of one choice as items in their order: the fold of its events for dialects whose responses are lists.
///
/// Example: `<think>Hm.</think>Well.` and one call are three items: reasoning, text, call. A stream of the same events
/// has the same items, because both use `ViewState.apply`.
package struct OutputItems: Sendable, Equatable {
    /// An item with its content.
    package struct Item: Sendable, Equatable {
        package var kind: OutputItem.Kind
        /// The text, or the arguments of a call.
        package var text: [UInt8] = []
        /// The name of a call; empty for other items.
        package var name = ""
        /// The logprobs of its tokens; empty unless the request asks for them.
        package var probabilities: [TokenProbabilities] = []

        /// Makes an item without content.
        package init(kind: OutputItem.Kind, name: String = "") {
            self.kind = kind
            self.name = name
        }
    }
    package private(set) var items: [Item] = []

    /// Folds all events of the first choice, without text that rewinds made void. Complexity: linear in their number.
    package init(_ events: [LogEvent]) { self.init(streamed: events.effective) }

    /// Folds some events of the first choice as a stream shows them, rewound text included.
    package init(streamed events: [LogEvent]) {
        var state = ViewState()
        for event in events {
            if let begun = state.apply(event, number: 0).begun { items.append(Item(kind: begun.kind)) }
            guard let last = items.indices.last else { continue }
            if case .detailedText(_, _, _, let details) = event {
                items[last].probabilities += details.probabilities
            }
            switch event {
            case .text(let channel, _, let bytes), .detailedText(let channel, _, let bytes, _):
                if channel != .delimiter { items[last].text.append(contentsOf: bytes) }
            case .call(_, let name): items[last].name = name
            case .arguments(let call, _, let bytes):
                guard let index = items.lastIndex(where: { $0.kind == .call(call) }) else { continue }
                items[index].text.append(contentsOf: bytes)
            default: break
            }
        }
    }
}
