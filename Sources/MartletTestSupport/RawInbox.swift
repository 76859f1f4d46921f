internal import NIOCore
internal import Synchronization

/// The received bytes of a connection that no test has read yet, with the framing of the present body.
///
/// Thread: the event loop appends, one task reads.
final class RawInbox: Sendable {
    /// The rule for the end of a body.
    private enum Framing {
        case none
        case untilClose
        case length(Int)
        /// The number of remaining bytes of the current chunk.
        case chunk(Int)
    }
    /// All state of the connection, written by the event loop and by the reading task.
    private struct Guarded {
        /// Received bytes that were not read yet, chunk headers included.
        var bytes: [UInt8] = []
        /// Whether the server has closed its sending side.
        var isClosed = false
        /// The reading task, while it waits for bytes.
        var waiter: CheckedContinuation<Void, Never>?
        /// The framing of the present body.
        var framing = Framing.none
        /// The decoded beginning of an event that is not complete.
        var partial: [UInt8] = []
        /// The number of bytes of `partial` that were searched for the end of an event.
        var scanned = 0
    }
    private let guarded = Mutex(Guarded())

    // MARK: From the event loop

    /// Appends received bytes and resumes the reader.
    func append(_ bytes: [UInt8], isClosed: Bool) {
        let waiter = guarded.withLock { guarded in
            guarded.bytes += bytes
            guarded.isClosed = guarded.isClosed || isClosed
            defer { guarded.waiter = nil }
            return guarded.waiter
        }
        waiter?.resume()
    }

    // MARK: From the reader

    /// Waits until the connection is closed.
    func waitForClose() async {
        while await receive(beyond: 0) { guarded.withLock { $0.bytes = [] } }
    }

    /// Waits for more than `count` unread bytes. The caller has evaluated `count` bytes without a result, so bytes that
    /// arrived since then count as more.
    /// - Returns: `false` if the connection is closed and no more bytes will arrive.
    private func receive(beyond count: Int) async -> Bool {
        await withCheckedContinuation { continuation in
            let isDecided = guarded.withLock { guarded in
                if guarded.bytes.count > count || guarded.isClosed { return true }
                guarded.waiter = continuation
                return false
            }
            if isDecided { continuation.resume() }
        }
        return guarded.withLock { $0.bytes.count > count }
    }

    /// Calls `attempt` after each arrival of bytes until it returns a value; `nil` if the connection closes before.
    private func nextValue<Value: Sendable>(_ attempt: (inout [UInt8]) -> Value?) async -> Value? {
        while true {
            let (value, count) = guarded.withLock { (attempt(&$0.bytes), $0.bytes.count) }
            if let value { return value }
            guard await receive(beyond: count) else { return nil }
        }
    }

    /// The next `count` bytes.
    /// - Throws: `closed` if the connection closes before.
    func bytes(_ count: Int) async throws -> [UInt8] {
        let bytes = await nextValue { bytes -> [UInt8]? in
            guard bytes.count >= count else { return nil }
            defer { bytes.removeFirst(count) }
            return Array(bytes.prefix(count))
        }
        guard let bytes else { throw RawConnectionError.closed }
        return bytes
    }

    /// The next line without its line break.
    /// - Throws: `closed` if the connection closes before.
    func line() async throws -> String {
        let line = await nextValue { bytes -> String? in
            guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            let line = bytes[..<end]
            bytes.removeFirst(end + 1)
            return String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
        }
        guard let line else { throw RawConnectionError.closed }
        return line
    }

    /// Selects the framing of the body by the head: chunked, by length, or until the connection closes.
    func beginBody(_ head: RawResponseHead) {
        guarded.withLock { guarded in
            guarded.partial = []
            guarded.scanned = 0
            if head.status < 200 || head.status == 204 || head.status == 304 {
                guarded.framing = .none
            } else if head["transfer-encoding"] == "chunked" {
                guarded.framing = .chunk(0)
            } else if let length = head["content-length"].flatMap({ Int($0) }) {
                guarded.framing = .length(length)
            } else {
                guarded.framing = .untilClose
            }
        }
    }

    /// The next bytes of the body without chunk headers; `nil` at its end.
    func bodyPart() async throws -> [UInt8]? {
        switch guarded.withLock({ $0.framing }) {
        case .none, .length(0):
            return nil
        case .untilClose:
            return await nextBytes(.max)
        case .length(let left):
            guard let part = await nextBytes(left) else { throw RawConnectionError.closed }
            guarded.withLock { $0.framing = .length(left - part.count) }
            return part
        case .chunk(var left):
            if left == 0 {
                let line = try await line()
                guard let size = Int(line, radix: 16) else { throw RawConnectionError.malformed(line) }
                if size == 0 {
                    _ = try await self.line()
                    guarded.withLock { $0.framing = .none }
                    return nil
                }
                left = size
            }
            guard let part = await nextBytes(left) else { throw RawConnectionError.closed }
            guarded.withLock { $0.framing = .chunk(left - part.count) }
            if left == part.count { _ = try await line() }
            return part
        }
    }

    /// Up to `limit` received bytes, at least one; `nil` if the connection is closed.
    private func nextBytes(_ limit: Int) async -> [UInt8]? {
        await nextValue { bytes in
            let part = Array(bytes.prefix(limit))
            bytes.removeFirst(part.count)
            return part.isEmpty ? nil : part
        }
    }

    /// The index of the first two line breaks in a row. The loop is fast without optimisation, too: tests read streams
    /// of megabytes.
    private static func emptyLine(in bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBufferPointer { bytes in
            var index = start
            while index + 1 < bytes.count {
                if bytes[index] == 0x0A, bytes[index + 1] == 0x0A { return index }
                index += 1
            }
            return nil
        }
    }

    /// The next event up to its empty line; `nil` at the end of the body.
    func event() async throws -> String? {
        while true {
            let event = guarded.withLock { guarded -> String? in
                guard let end = Self.emptyLine(in: guarded.partial, from: guarded.scanned) else {
                    guarded.scanned = max(guarded.partial.count - 1, 0)
                    return nil
                }
                defer {
                    guarded.partial.removeFirst(end + 2)
                    guarded.scanned = 0
                }
                return String(decoding: guarded.partial[..<end], as: UTF8.self)
            }
            if let event { return event }
            guard let part = try await bodyPart() else {
                let rest = guarded.withLock { $0.partial }
                if rest.isEmpty { return nil }
                throw RawConnectionError.malformed(String(decoding: rest, as: UTF8.self))
            }
            guarded.withLock { $0.partial += part }
        }
    }
}

/// Appends received bytes to an inbox.
///
/// Thread: the channel's event loop.
final class RawInboxHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    /// The destination of received bytes.
    private let inbox: RawInbox

    /// The handler is the last one of its pipeline.
    init(_ inbox: RawInbox) { self.inbox = inbox }

    /// Copies the bytes into the inbox.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        inbox.append(Array(unwrapInboundIn(data).readableBytesView), isClosed: false)
    }

    /// The server closed its sending side: no more bytes will arrive.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { inbox.append([], isClosed: true) }
        context.fireUserInboundEventTriggered(event)
    }

    /// The connection is closed in both directions.
    func channelInactive(context: ChannelHandlerContext) {
        inbox.append([], isClosed: true)
        context.fireChannelInactive()
    }

    /// A reset counts as the end of the bytes.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
