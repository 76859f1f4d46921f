import MartletProtocol
import MartletStreams

/// A realtime client: one socket with many attachments, each with its own cursor and credit.
///
/// All attachments write while the socket accepts bytes, and all end with it.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
final class SocketClient: SimulatedClient, @unchecked Sendable {
    /// One attachment over all sockets.
    private final class Attachment {
        /// The generation; nil until a new one is acknowledged.
        var id: String?
        var stream = ReceivedStream()
        var channel: SocketChannel?
        /// Whether the generation belongs to another owner, so that the server must not find it.
        var isForeign = false
        /// The number of times in a row that the attachment ended without a byte.
        var emptyCount = 0
        init(id: String?) { self.id = id }
    }
    /// The attachments that have not ended.
    private var attachments: [Attachment] = []
    /// The server at the other end of the socket.
    private var edge: SimulatedEdge?
    /// The number of attachments that the client still begins.
    private var rest: Int
    /// The number of generations that the client has begun.
    private var begunCount = 0

    init(number: Int, in world: SimulatedWorld) {
        var random = SimulationRandom(seed: world.plan.seed, part: 6 << 40 + UInt64(number))
        rest = random.number(1...12)
        super.init("socket", number: number, in: world)
    }

    override func act() -> Bool {
        if edge !== world.edge {
            // The server behind the socket is gone.
            edge = nil
            for attachment in attachments { attachment.channel = nil }
        }
        guard let edge = world.edge, edge.isListening else { return world.hasFaults || !attachments.isEmpty }
        self.edge = edge
        if world.hasFaults, rest > 0, random.chance(1, of: 5) { attachNew() }
        if world.hasFaults, rest > 0, random.chance(1, of: 12) { generate(edge) }
        // Without an acknowledgement the client knows of no generation.
        attachments.removeAll { $0.id == nil && $0.channel == nil }
        for attachment in attachments {
            if let channel = attachment.channel {
                receive(attachment, channel)
            } else if let id = attachment.id {
                attach(attachment, id, edge)
            }
        }
        if world.hasFaults, random.chance(1, of: 60) { closeSocket() }
        attachments.removeAll { $0.stream.endCount > 0 || $0.channel?.isRefused == true || isOver($0) }
        return world.hasFaults && rest > 0 || !attachments.isEmpty
    }

    /// Behind lost records a generation may have ended with a number that the client has seen as another event.
    private func isOver(_ attachment: Attachment) -> Bool {
        attachment.emptyCount > 50 && attachment.id.map { world.truth.records[$0]?.mayLack == true } == true
    }

    /// Begins a generation that outlives the socket.
    private func generate(_ edge: SimulatedEdge) {
        rest -= 1
        begunCount += 1
        let form = random.element(of: ["prompt", "chat", "heads", "grammar"])
        var request = SimulatedRequest(
            prompt: "\(form) \(begunCount) of \(name)", seed: UInt64(random.below(1_000)))
        request.owner = owner
        request.lifetime = random.element(of: [.resumable, .background])
        request.choices = random.element(of: [1, 1, 2])
        if random.chance(1, of: 4) { request.label = random.element(of: ["x", "x::1", "y"]) }
        record("begins a \(request.lifetime) generation of '\(request.prompt)', \(request.choices) choices")
        let attachment = Attachment(id: nil)
        let channel = SocketChannel(on: edge.eventLoops[0], window: 64 << random.below(6))
        attachment.channel = channel
        attachments.append(attachment)
        edge.generate(request, on: channel, credit: random.chance(1, of: 2) ? random.number(0...5) : nil)
    }

    /// Begins an attachment to a random generation.
    private func attachNew() {
        let isForeign = random.chance(1, of: 8)
        let ids =
            isForeign
            ? world.truth.ids.filter { world.truth.records[$0]?.request.owner != owner } : world.truth.known(of: owner)
        guard !ids.isEmpty else { return }
        rest -= 1
        let attachment = Attachment(id: random.element(of: ids))
        attachment.isForeign = isForeign
        attachments.append(attachment)
    }

    /// Attaches behind the last part that was received.
    private func attach(_ attachment: Attachment, _ id: String, _ edge: SimulatedEdge) {
        attachment.stream.reconnect()
        record("attaches to \(id.prefix(6)) behind \(attachment.stream.last?.text ?? "nothing")")
        let credit = random.chance(1, of: 2) ? random.number(0...5) : nil
        let channel = SocketChannel(on: edge.eventLoops[0], window: 64 << random.below(6))
        attachment.channel = channel
        edge.attach(channel, to: id, of: owner, behind: attachment.stream.last, credit: credit)
    }

    /// Closes the socket with all attachments.
    private func closeSocket() {
        record("closes its socket with \(attachments.count) attachments")
        for attachment in attachments {
            attachment.channel?.closeByClient()
            attachment.channel = nil
        }
    }

    /// Receives what is there, and grants more credit.
    private func receive(_ attachment: Attachment, _ channel: SocketChannel) {
        if attachment.id == nil, let id = channel.acknowledgedID {
            attachment.id = id
            world.truth.update(id) { $0.isKnown = true }
            record("learns the id \(id.prefix(6))")
        }
        guard let id = attachment.id else { return }
        if attachment.isForeign {
            if !channel.isRefused, channel.availableCount > 0 || channel.isEnded {
                world.fail(.owner, "\(name) (\(owner.rawValue)) reads \(id.prefix(6)) of another owner")
            }
            return
        }
        if channel.isRefused {
            if channel.isMissing { SimulationChecks.missing(id, isByLabel: false, to: name, in: world) }
            if channel.isWrongCursor {
                let last = attachment.stream.last?.text ?? ""
                world.fail(.everyEventOnce, "\(name): event \(last) of \(id.prefix(6)) was never issued")
            }
            return
        }
        let bytes = channel.receive(channel.availableCount)
        guard !bytes.isEmpty || channel.isEnded || random.chance(1, of: 4) else { return }
        if !bytes.isEmpty { noteProgress() }
        // Behind lost records the generation may end with a smaller number.
        let mayLack = world.truth.records[id]?.mayLack == true
        func report(_ fault: String) {
            if !mayLack { world.fail(.everyEventOnce, "\(name): \(id.prefix(6)): \(fault)") }
        }
        for part in attachment.stream.add(numbered: bytes, fault: report) {
            let key = SimulationTruth.PartKey(number: part.identifier.number, part: part.identifier.parts ?? 0)
            var content = part.bytes
            if content == Array(SimulationView.handover.utf8) { content = Array(SimulationView.handoverInReplay.utf8) }
            if let fault = world.truth.add(part: content, key, of: id) {
                world.fail(.replay, "\(name): \(fault)")
            }
        }
        if attachment.stream.endCount > 1 { world.fail(.oneEnd, "\(name) received two terminal events") }
        attachment.emptyCount = bytes.isEmpty ? attachment.emptyCount : 0
        if channel.isEnded, channel.availableCount == 0, attachment.stream.endCount == 0 {
            attachment.channel = nil
            attachment.emptyCount += 1
        }
        channel.extendCredit(until: (attachment.stream.last?.number ?? -1) + 2 + random.below(6))
    }
}
