/// The rules of an HTTP/1.1 connection: which input is processed now, when a response ends, when the connection closes.
///
///     idle ──head──▶ exchange ──response ends──▶ idle            request complete, connection persists
///                        │     ──response ends──▶ remainder ──request ends──▶ idle
///                        │     ──response ends──▶ closing        the response was the connection's last
///                        └──101 Switching Protocols──▶ upgraded
///     idle, remainder ──invalid bytes──▶ closing
///
/// The machine does no I/O and reads no clock: each method accepts one event and returns the action of the handler.
/// It is not copyable, so a connection has one state.
///
/// - `Input`: one part of a request, or an error of the decoder. The machine stores inputs and does not look into them.
///
/// Thread: the channel's event loop. Only `ConnectionHandler` changes it.
struct ConnectionStateMachine<Input>: ~Copyable {
    /// The facts of a request's head that decide the connection's course.
    struct Request: Equatable {
        /// `Upgrade` is present: bytes after the request belong to another protocol and must not be read as HTTP.
        var asksForUpgrade = false
        /// `Expect: 100-continue` is present: the client sends the body after an informational response.
        var awaitsContinue = false
        /// `Content-Length` exceeds the limit of a body, so the body is not read to its end.
        var isTooLong = false
        /// HTTP/1.0 or `Connection: close`.
        var closes = false
    }

    /// The handler's reaction to the end of a response.
    enum EndAction: Equatable {
        /// A reader still writes the body: retain the end until `readerEnded()`.
        case hold
        /// Write the end. The connection persists.
        case write
        /// Write and flush the end, then close the connection.
        case writeLast
    }

    /// The handler's reaction to the end of a reader.
    enum ReaderAction: Equatable {
        /// The response's end has not come yet.
        case none
        /// Write the retained end; then close the output if the server asked for that meanwhile.
        case writeEnd(EndAction, closesOutput: Bool)
    }

    /// The handler's reaction when the server closes the output.
    enum CloseAction: Equatable {
        /// Already closing: report success.
        case succeed
        /// The response's end is retained: close after it.
        case hold
        /// Close now.
        case close
    }

    /// The handler's reaction to an error of the decoder.
    enum ErrorAction: Equatable {
        /// A route reads the request and responds to the error.
        case forward
        /// No request is in progress: write a refusal, then close.
        case refuse
    }

    /// The handler's reaction to the end of a request's time.
    enum TimeoutAction: Equatable {
        /// No response is in progress.
        case close
        /// The route that reads the request gets an error. Its response will be the last.
        case fail
    }

    /// The handler's reaction to a disconnect.
    enum DisconnectAction: Equatable {
        /// The disconnect was known.
        case none
        /// Detach the reader and call the disconnect action.
        case release
        /// The same; fail the retained end, and close, as the response stays incomplete.
        case cut
    }

    private enum HeldEnd {
        case none
        case end
        case endAndClose
    }

    private struct Exchange {
        var request: Request
        /// The request's end has not come.
        var isReceiving = true
        var closesAfterResponse: Bool
        var heldEnd = HeldEnd.none
    }

    private enum State {
        case idle
        case exchange(Exchange)
        /// The response has ended, the request has not.
        case remainder
        /// The last response's end is written. Inputs are dropped, and nothing more is sent.
        case closing
        /// The connection speaks another protocol.
        case upgraded
    }

    private var state = State.idle
    /// Inputs of later requests, which wait for the end of the response.
    private var queue: [Input] = []
    /// The channel asked for more input while none was to be read.
    private var wantsRead = false
    private var hasReader = false
    /// The client closed its sending side, or the connection is closed. Not a state: a response may still be written.
    private(set) var isDisconnected = false

    /// Whether everything that is still written must be dropped.
    var isClosing: Bool { if case .closing = state { true } else { false } }

    /// Whether an input is processed now and not queued.
    private var isProcessing: Bool {
        switch state {
        case .idle, .remainder: true
        case .exchange(let exchange): exchange.isReceiving
        case .closing, .upgraded: false
        }
    }

    // MARK: Input

    /// - Returns: the input if it must be processed now; nil if it was queued or dropped.
    mutating func receive(_ input: Input) -> Input? {
        switch state {
        case .closing, .upgraded: return nil
        case .idle, .remainder, .exchange: break
        }
        guard queue.isEmpty, isProcessing else {
            queue.append(input)
            return nil
        }
        return input
    }

    /// - Returns: the oldest queued input that may be processed now. Call again after it was processed.
    mutating func nextQueued() -> Input? {
        isProcessing && !queue.isEmpty ? queue.removeFirst() : nil
    }

    /// The head of a request is processed.
    mutating func beginRequest(_ request: Request) {
        state = .exchange(Exchange(request: request, closesAfterResponse: request.asksForUpgrade || request.closes))
    }

    /// The end of a request is processed.
    mutating func endRequest() {
        switch state {
        case .exchange(var exchange):
            exchange.isReceiving = false
            state = .exchange(exchange)
        case .remainder: state = .idle
        case .idle, .closing, .upgraded: break
        }
    }

    /// An error of the decoder is processed. In any case the connection will close.
    mutating func fail() -> ErrorAction {
        guard case .exchange(var exchange) = state else {
            close()
            return .refuse
        }
        exchange.closesAfterResponse = true
        state = .exchange(exchange)
        return .forward
    }

    private mutating func close() {
        state = .closing
        queue = []
    }

    /// A route reads the request's body.
    /// - Returns: whether `100 Continue` must be written: once, and only if the client awaits it.
    mutating func continueRequest() -> Bool {
        guard case .exchange(var exchange) = state, exchange.request.awaitsContinue else { return false }
        exchange.request.awaitsContinue = false
        state = .exchange(exchange)
        return true
    }

    /// The time for receiving the request has ended.
    mutating func timeOut() -> TimeoutAction {
        guard case .exchange(var exchange) = state else { return .close }
        exchange.closesAfterResponse = true
        state = .exchange(exchange)
        return .fail
    }

    // MARK: Reading

    private var mayRead: Bool {
        guard queue.isEmpty else { return false }
        guard case .exchange(let exchange) = state else { return true }
        return !exchange.request.asksForUpgrade || exchange.isReceiving
    }

    /// The channel asks for more input.
    /// - Returns: whether to read now. Otherwise `resumeReading()` returns true later.
    mutating func read() -> Bool {
        if !mayRead { wantsRead = true }
        return mayRead
    }

    /// - Returns: whether a read that was deferred must be made now.
    mutating func resumeReading() -> Bool {
        guard wantsRead, mayRead else { return false }
        wantsRead = false
        return true
    }

    // MARK: The response

    /// The head of the response is to be written.
    /// - Parameter closes: the response or the connection limit demands that the connection closes.
    /// - Returns: whether the response is the connection's last.
    mutating func beginResponse(closes: Bool) -> Bool {
        guard case .exchange(var exchange) = state else { return closes }
        let request = exchange.request
        // Such a body is not sent, or exceeds the limit, so it is not read to its end.
        let isCut = exchange.isReceiving && (request.awaitsContinue || request.isTooLong)
        if isCut || closes { exchange.closesAfterResponse = true }
        exchange.request.awaitsContinue = false
        state = .exchange(exchange)
        return exchange.closesAfterResponse
    }

    /// The response `101 Switching Protocols` was written.
    /// - Returns: false if the request is not complete: the rest of its body would be read as frames.
    mutating func switchProtocols() -> Bool {
        guard case .exchange(let exchange) = state, !exchange.isReceiving else { return false }
        state = .upgraded
        return true
    }

    /// The end of the response is to be written.
    mutating func endResponse() -> EndAction {
        switch state {
        case .exchange(var exchange) where hasReader:
            exchange.heldEnd = .end
            state = .exchange(exchange)
            return .hold
        case .exchange(let exchange) where !exchange.closesAfterResponse:
            state = exchange.isReceiving ? .remainder : .idle
            return .write
        case .exchange, .closing, .upgraded:
            close()
            return .writeLast
        case .idle, .remainder: return .write
        }
    }

    /// The server asks to close the connection for writing.
    mutating func closeOutput() -> CloseAction {
        switch state {
        case .closing: return .succeed
        case .exchange(var exchange) where exchange.heldEnd != .none:
            exchange.heldEnd = .endAndClose
            state = .exchange(exchange)
            return .hold
        case .exchange, .idle, .remainder, .upgraded: return .close
        }
    }

    /// A reader wants to write the body.
    /// - Returns: false after a disconnect.
    mutating func attachReader() -> Bool {
        guard !isDisconnected else { return false }
        hasReader = true
        return true
    }

    /// The reader has written its last bytes.
    mutating func readerEnded() -> ReaderAction {
        hasReader = false
        guard case .exchange(var exchange) = state, exchange.heldEnd != .none else { return .none }
        let closesOutput = exchange.heldEnd == .endAndClose
        exchange.heldEnd = .none
        state = .exchange(exchange)
        return .writeEnd(endResponse(), closesOutput: closesOutput)
    }

    /// The client closed its sending side, or the connection is closed.
    mutating func disconnect() -> DisconnectAction {
        guard !isDisconnected else { return .none }
        isDisconnected = true
        hasReader = false
        queue = []
        guard case .exchange(var exchange) = state, exchange.heldEnd != .none else { return .release }
        exchange.heldEnd = .none
        state = .exchange(exchange)
        return .cut
    }
}

extension ConnectionStateMachine {
    /// The states by name, for tests and diagrams.
    enum Phase: String, CaseIterable {
        case idle
        /// An exchange whose request is not complete.
        case receiving
        /// An exchange whose request is complete.
        case responding
        /// An exchange whose response's end is retained until its reader has ended.
        case holdingEnd
        case remainder
        case closing
        case upgraded
    }

    var phase: Phase {
        switch state {
        case .idle: .idle
        case .exchange(let exchange) where exchange.heldEnd != .none: .holdingEnd
        case .exchange(let exchange): exchange.isReceiving ? .receiving : .responding
        case .remainder: .remainder
        case .closing: .closing
        case .upgraded: .upgraded
        }
    }
}
