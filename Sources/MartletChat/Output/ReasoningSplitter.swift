package import MartletProtocol

/// Tells thinking from answer while a model writes.
///
/// Takes the answer's bytes as they come and hands each on with its channel, in order and none lost. A think block
/// begins at the start marker, or with the answer when the prompt left one open, and ends at the end marker; there may be
/// several. The markers, the line ends behind a start marker, and the white space around an end marker are markup. White
/// space in front of a think block that begins the answer is markup too.
///
/// What may still turn out to be part of a marker is held back: at most a marker's length, and white space next to one.
/// - Complexity: linear in the bytes, however they are cut.
package struct ReasoningSplitter: Sendable {
    private enum State {
        /// Nothing but white space yet.
        case beginning
        case content
        /// Behind a start marker; its line ends are skipped.
        case afterStart
        case reasoning
        /// Behind an end marker; white space is skipped.
        case afterEnd
    }
    private let start: MarkerMatcher
    private let end: MarkerMatcher
    private var state: State
    /// Bytes not handed on: white space, then the beginning of a marker.
    private var held: [UInt8] = []
    /// How many of the held bytes are white space in front of what may be a marker.
    private var heldSpace = 0
    /// How many bytes of the marker that is being looked for have been seen.
    private var matched = 0

    /// - Parameter isOpen: Whether the prompt ended inside of a think block.
    package init(_ markers: ReasoningMarkers, isOpen: Bool) {
        start = MarkerMatcher(Array(markers.start.utf8))
        end = MarkerMatcher(Array(markers.end.utf8))
        state = isOpen ? .afterStart : .beginning
    }

    /// The channel of the text that would come now.
    package var channel: Channel {
        switch state {
        case .afterStart, .reasoning: .reasoning
        case .beginning, .content, .afterEnd: .content
        }
    }

    /// Takes the next bytes; `emit` gets pieces that are not empty.
    package mutating func append(_ bytes: ArraySlice<UInt8>, emit: (Channel, ArraySlice<UInt8>) -> Void) {
        // Bytes since `clean` belong to the current channel and are emitted in one piece.
        var clean = bytes.startIndex
        for index in bytes.indices {
            let byte = bytes[index]
            switch state {
            case .afterStart:
                if isLineEnd(byte) {
                    emit(.markup, bytes[index...index])
                    clean = index + 1
                    continue
                }
                state = .reasoning
            case .afterEnd:
                if isSpace(byte) {
                    emit(.markup, bytes[index...index])
                    clean = index + 1
                    continue
                }
                state = .content
            default: break
            }
            take(byte, at: index, of: bytes, &clean, emit)
        }
        if clean < bytes.endIndex { emit(channel, bytes[clean...]) }
    }

    /// The answer is complete: hands on what is held.
    package mutating func finish(emit: (Channel, ArraySlice<UInt8>) -> Void) {
        release(held.count, emit)
        matched = 0
        heldSpace = 0
    }

    /// One byte inside of content or reasoning. Held bytes always lie right in front of `index`, and `clean` is then
    /// behind `index`.
    private mutating func take(
        _ byte: UInt8, at index: Int, of bytes: ArraySlice<UInt8>, _ clean: inout Int,
        _ emit: (Channel, ArraySlice<UInt8>) -> Void
    ) {
        let marker = state == .reasoning ? end : start
        let before = matched
        matched = marker.next(after: matched, byte)
        if matched == 0 {
            // What was held of a marker is text after all.
            if before > 0 { releaseAll(emit) }
            // White space counts as part of the marker behind it in reasoning, and where the answer begins.
            if state != .content, isSpace(byte) {
                if held.isEmpty, clean < index { emit(channel, bytes[clean..<index]) }
                held.append(byte)
                heldSpace = held.count
                clean = index + 1
            } else {
                // The byte begins a run at `clean` or goes on with one.
                releaseAll(emit)
                if state == .beginning { state = .content }
            }
            return
        }
        if held.isEmpty, clean < index { emit(channel, bytes[clean..<index]) }
        held.append(byte)
        clean = index + 1
        if matched < held.count - heldSpace {
            // A shorter beginning of the marker remains: what is in front of it is text.
            release(held.count - matched, emit)
            heldSpace = 0
            if state == .beginning { state = .content }
        }
        if matched == marker.length { complete(emit) }
    }

    /// The held bytes are a marker with white space in front.
    private mutating func complete(_ emit: (Channel, ArraySlice<UInt8>) -> Void) {
        emit(.markup, held[...])
        held.removeAll(keepingCapacity: true)
        heldSpace = 0
        matched = 0
        state = state == .reasoning ? .afterEnd : .afterStart
    }

    /// Hands on all that is held, because it is text and no marker follows at once.
    private mutating func releaseAll(_ emit: (Channel, ArraySlice<UInt8>) -> Void) {
        if held.count > heldSpace, state == .beginning { state = .content }
        release(held.count, emit)
        heldSpace = 0
    }

    /// Hands on the first `count` held bytes as text.
    private mutating func release(_ count: Int, _ emit: (Channel, ArraySlice<UInt8>) -> Void) {
        if count == 0 { return }
        emit(channel, held[..<count])
        held.removeFirst(count)
    }

    private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }
}
