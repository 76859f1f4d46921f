internal import MartletProtocol

/// A view whose bytes of an event depend on the events before it: the fold of a log with a small state.
///
/// Example: Anthropic's stream has a `content_block_start` before the first text of a block, so the view must know
/// whether the block is open. The state is a function of the events before a position. An `EncodedStream` stores it at
/// its checkpoints, so a replay from an event has the bytes of the first time and need not begin at the first event.
package protocol FoldingView: StreamView {
    /// Appends the bytes of `event`, which may be none, and changes the state from before to behind the event.
    ///
    /// - Parameter history: the log up to the event, for views that repeat an item's whole text at its end.
    func encode(
        _ event: LogEvent, number: Int, state: inout ViewState, history: LogHistory, into bytes: inout [UInt8])
}

extension FoldingView {
    package var folding: (any FoldingView)? { self }

    /// Appends a ping that is not in the log. Other events need a state.
    package func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        if case .ping = event { ServerSentEvents.appendPing(to: &bytes) }
    }
}

/// The part of an output between two changes of channel.
///
/// Example: reasoning, content and two tool calls are four items. Text without a byte begins no item.
package struct OutputItem: Sendable, Equatable {
    /// The content of an item.
    package enum Kind: Sendable, Equatable {
        case reasoning
        case text
        /// The tool call with this number.
        case call(Int)
    }
    package var kind: Kind
    /// The number of items before it.
    package var index: Int
    /// The number of the event that began the item.
    package var firstEvent: Int
}

/// The state of a fold at one position of a log. Trivial to copy: 80 bytes.
package struct ViewState: Sendable, Equatable {
    /// The open item; nil before the first item and behind the last one.
    package private(set) var item: OutputItem?
    /// The number of items that have begun.
    package private(set) var itemCount = 0
    /// The number of parts that the view has appended, by its own count.
    package var partCount = 0
    /// Whether the view has begun its response.
    package var hasBegun = false
    /// A mark that the view sets for the open item.
    package var isMarked = false

    /// The state before the first event.
    package init() {}

    /// A change of the open item.
    package struct ItemChange: Sendable, Equatable {
        package var ended: OutputItem?
        package var begun: OutputItem?
    }

    /// Applies an event: text of another channel and a call end the open item and begin the next one; a terminal event
    /// ends it.
    ///
    /// - Returns: the item that has ended, and the item that has begun.
    package mutating func apply(_ event: LogEvent, number: Int) -> ItemChange {
        switch event {
        case .text(let channel, _, let bytes), .detailedText(let channel, _, let bytes, _):
            guard !bytes.isEmpty, channel != .delimiter else { return ItemChange() }
            let kind: OutputItem.Kind = channel == .reasoning ? .reasoning : .text
            return item?.kind == kind ? ItemChange() : begin(kind, at: number)
        case .call(let call, _): return begin(.call(call), at: number)
        case .finished, .failed:
            let ended = item
            item = nil
            return ItemChange(ended: ended)
        case .admitted, .started, .promptProgress, .promptTokens, .arguments, .warning, .controlled, .ping, .handedOver,
            .choice, .ended:
            return ItemChange()
        }
    }

    private mutating func begin(_ kind: OutputItem.Kind, at number: Int) -> ItemChange {
        let begun = OutputItem(kind: kind, index: itemCount, firstEvent: number)
        let change = ItemChange(ended: item, begun: begun)
        item = begun
        itemCount += 1
        return change
    }
}

/// The events of a log that a view may read again.
package struct LogHistory: Sendable {
    private let log: GenerationLog

    /// Makes the history of a log.
    package init(of log: GenerationLog) { self.log = log }

    /// The events from a number on.
    ///
    /// - Parameters:
    ///   - first: the number of an event.
    ///   - end: the number of the first event that is left out; nil = all up to the newest.
    /// - Complexity: O(these events).
    package func events(from first: Int, before end: Int? = nil) -> [LogEvent] {
        guard var cursor = log.cursor(before: first) else { return [] }
        let last = end.flatMap { log.cursor(before: $0) }
        var batch = LogBatch()
        _ = log.copy(from: &cursor, limit: last.map { max(0, $0.position - cursor.position) } ?? .max, into: &batch)
        var events: [LogEvent] = []
        events.reserveCapacity(batch.records.count)
        batch.forEach { event, _ in events.append(event) }
        return events
    }
}
