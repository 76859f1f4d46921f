internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletStreams
internal import MartletText
internal import NIOCore
internal import OrderedCollections
internal import Synchronization

/// The session of one client on a WebSocket: executes its messages one at a time, in their order.
///
/// `SocketHandler` calls `receive` with one message after the other, so no task waits for messages. Closing the
/// WebSocket only detaches: generations that the session began continue.
actor RealtimeSession {
    /// Names, attachments and pending commands of one session. They bound the memory that a client can occupy.
    private static let nameLimit = 4_096
    private static let attachmentLimit = 1_024
    private static let commandLimit = 256

    private let route: RealtimeRoute
    private let owner: Owner
    private let mayRaisePriority: Bool
    private let channel: any Channel
    /// The ids of generations that the session began, by the client's names; the oldest first.
    private var names: OrderedDictionary<ExactString, String> = [:]
    /// Control commands that have not taken effect yet.
    private let pendingCommands = PendingCommandCount()

    init(of route: RealtimeRoute, owner: Owner, mayRaisePriority: Bool, channel: any Channel) {
        self.route = route
        self.owner = owner
        self.mayRaisePriority = mayRaisePriority
        self.channel = channel
    }

    /// Executes one message. Every message gets one reply, in order, except that the reply to a command comes when the
    /// command has taken effect.
    func receive(_ text: [UInt8]) {
        var message: RealtimeMessage?
        do throws(APIError) {
            let read = try Self.message(text)
            message = read
            try receive(read)
        } catch {
            reply(RealtimeReply.refuse(message, error))
        }
    }

    private static func message(_ text: [UInt8]) throws(APIError) -> RealtimeMessage {
        let json: JSONValue
        do throws(JSONError) {
            json = try JSONParser.parse(text)
        } catch {
            throw APIError(.invalidRequest, "The message is not valid JSON: \(error)")
        }
        return try RealtimeMessage(json)
    }

    private func receive(_ message: RealtimeMessage) throws(APIError) {
        switch try message.content() {
        case .generate(let name, let label, let request, let end): try generate(message, name, label, request, end)
        case .attach(let target, let event, let end):
            try attach(message, try generation(target), from: event, until: end)
        case .credit(let target, let end): extendCredit(message, try generation(target), until: end)
        case .control(let target, let command): try sendCommand(message, command, try generation(target))
        case .detach(let target): detach(message, try generation(target))
        case .ping: reply(RealtimeReply.pong(message))
        }
    }

    private func reply(_ bytes: [UInt8]) {
        channel.withSocket { $0.write(bytes) }
    }

    /// The generation that a message names. During a recovery it does not wait.
    private func generation(_ target: GenerationTarget) throws(APIError) -> Generation {
        var target = target
        if case .id(let name) = target, let id = names[ExactString(name)] { target = .id(id) }
        return try APIError.mapping { () throws(GenerationError) in
            try route.control.recovery.lookUpNow { () throws(GenerationError) in
                try route.control.generation(target, of: owner)
            }
        }
    }

    // MARK: Messages

    /// Begins a generation and attaches its log.
    private func generate(
        _ message: RealtimeMessage, _ name: String, _ label: String?, _ request: JSONValue, _ end: Int?
    ) throws(APIError) {
        guard names[ExactString(name)] == nil else {
            throw .conflict(
                "id_used", "Field 'id': This WebSocket has a generation called \"\(name)\" already", field: "id")
        }
        let label = try label.map { label throws(APIError) in
            try ConversationLabel.checked(label, "Field 'conversation_id'")
        }
        let plan = try route.completions.plan(of: .chat, request)
        var terms = GenerationTerms(
            owner: owner, lifetime: plan.options.isBackground ? .background : .resumable, label: label)
        terms.mayRaisePriority = mayRaisePriority
        let generation = try APIError.mapping { () throws(GenerationError) in
            try route.completions.service.begin(plan, terms, on: channel.eventLoop)
        }
        if names.count == Self.nameLimit { names.removeFirst() }
        names[ExactString(name)] = generation.spec.responseID
        attachReader(
            generation.messages, of: generation, from: StreamPosition(), until: end, message, ["name": .string(name)])
    }

    /// Attaches the log of an existing generation.
    private func attach(
        _ message: RealtimeMessage, _ generation: Generation, from event: Int, until end: Int?
    ) throws(APIError) {
        let encodedStream = generation.messages
        // The extent first: a log that ends afterwards is only longer.
        let extent = generation.log.extent
        let position = try EventStart(event: event, field: "from_event").position(
            in: encodedStream, extent, mayAwait: generation.isRestored)
        let status = GenerationBodies.status(generation.spec, route.control.registry.status(of: generation))
        attachReader(encodedStream, of: generation, from: position, until: end, message, ["generation": status])
    }

    /// Sends the acknowledgement, then attaches a reader, so that events follow it.
    private func attachReader(
        _ encodedStream: EncodedStream, of generation: Generation, from position: StreamPosition, until end: Int?,
        _ message: RealtimeMessage, _ more: JSONObject
    ) {
        let id = generation.spec.responseID
        let acknowledgement = RealtimeReply.acknowledge(message, id: id, more)
        let loop = route.loops.loop(for: channel.eventLoop)
        channel.withSocket { [channel] socket in
            if let refusal = Self.refusal(socket, id) {
                return socket.write(RealtimeReply.refuse(message, refusal))
            }
            socket.write(acknowledgement)
            let lease = generation.acquireReaderLease()
            let reader = StreamReader(encodedStream, from: position, untilEvent: end, loop: loop) { end in
                lease.release()
                if case .complete = end { channel.withSocket { $0.attachmentEnded(id) } }
            }
            socket.attach(reader, to: id)
        }
    }

    /// - Returns: the reason why a log cannot be attached; nil if it can.
    private static func refusal(_ socket: SocketHandler, _ id: String) -> APIError? {
        if socket.isAttached(to: id) { return .conflict("already_attached", "\(id) is attached already") }
        guard socket.attachmentCount < attachmentLimit else {
            return APIError(.rateLimited, "At most \(attachmentLimit) generations may be attached; detach some")
        }
        return nil
    }

    private func detach(_ message: RealtimeMessage, _ generation: Generation) {
        change(message, generation) { socket, id in socket.detach(from: id) }
    }

    private func extendCredit(_ message: RealtimeMessage, _ generation: Generation, until event: Int) {
        change(message, generation) { socket, id in socket.extendCredit(id, until: event) }
    }

    /// Changes an attachment and replies.
    /// - Parameter body: executes the change; returns whether there is such an attachment.
    private func change(
        _ message: RealtimeMessage, _ generation: Generation,
        _ body: @escaping @Sendable (SocketHandler, String) -> Bool
    ) {
        let id = generation.spec.responseID
        channel.withSocket { socket in
            let isDone = body(socket, id)
            socket.write(
                isDone
                    ? RealtimeReply.acknowledge(message, id: id)
                    : RealtimeReply.refuse(message, .conflict("not_attached", "\(id) is not attached")))
        }
    }

    /// Sends a control command. The reply follows when the command has taken effect; meanwhile other messages are
    /// executed.
    private func sendCommand(
        _ message: RealtimeMessage, _ command: JSONValue, _ generation: Generation
    ) throws(APIError) {
        guard pendingCommands.add(upTo: Self.commandLimit) else {
            throw APIError(.rateLimited, "At most \(Self.commandLimit) commands of this WebSocket may be pending")
        }
        let sent: SentCommand
        do throws(APIError) {
            sent = try route.control.send(
                command, to: generation, defaults: route.completions.configuration.completionDefaults)
        } catch {
            pendingCommands.remove()
            throw error
        }
        let id = generation.spec.responseID
        sent.whenResolved { [pendingCommands, channel] reply in
            pendingCommands.remove()
            channel.withSocket { $0.write(Self.encodedReply(message, id, reply)) }
        }
    }

    private static func encodedReply(_ message: RealtimeMessage, _ id: String, _ reply: CommandReply) -> [UInt8] {
        do throws(APIError) {
            return RealtimeReply.acknowledge(message, id: id, try ControlService.body(of: reply).objectValue ?? [:])
        } catch {
            return RealtimeReply.refuse(message, error)
        }
    }
}

/// The number of control commands of a session that have not taken effect. Thread: any.
private final class PendingCommandCount: Sendable {
    private let count = Mutex(0)

    /// - Returns: false if the limit is reached.
    func add(upTo limit: Int) -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    func remove() { count.withLock { $0 -= 1 } }
}

extension APIError {
    /// The error of a message that contradicts the current state.
    /// - Parameter reason: one word for programs.
    static func conflict(_ reason: String, _ message: String, field: String? = nil) -> APIError {
        var error = APIError(.conflict, message, field: field)
        error.reason = reason
        return error
    }
}
