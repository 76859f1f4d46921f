internal import HTTPTypes
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletStreams
internal import MartletText
internal import NIOCore

/// The session of one client on a WebSocket of Responses.
///
/// Each `response.create` begins a response, or waits for the one before it in its lane (`ResponseLanes`). The events of
/// a response are the frames of a reader (`ResponseFramesView`); an error of a message is an event of its own, and the
/// WebSocket stays open. A generation ends with the WebSocket, unless the handshake asked for a resumable one.
actor ResponseSocketSession {
    /// A response that the client asks for.
    struct Job: Sendable {
        /// The body, as `POST /v1/responses` has it.
        var request: JSONValue
        /// The size of the message in bytes.
        var byteCount: Int
        /// The client's `stream_id`.
        var stream: String?
        /// The steering input that is the input of this job.
        var steering: [SteeringQueue<SteeringMessage>.Entry] = []
        /// The response whose waiting steering input is a part of this job's input, without its prefix.
        var continues: String?
        var lane: ExactString? { stream.map { ExactString($0) } }
    }

    private let route: ResponseSocketRoute
    private let client: SocketPeer
    private let channel: any Channel
    private let generations: SocketGenerations
    private var lanes = ResponseLanes<Job>()
    /// The running response of each lane.
    private var running: [ExactString?: Generation] = [:]
    /// Responses that requests of this WebSocket continue.
    private(set) var local = LocalResponses()
    /// Input for the ends of running responses.
    var steering = SteeringQueue<SteeringMessage>()
    /// The `stream_id` of responses that can have steering input, by their ids without prefix.
    var streams: [String: String?] = [:]
    /// The number of messages about steering.
    private var steeringCount = 0

    init(of route: ResponseSocketRoute, _ headers: HTTPFields, _ context: EdgeContext) {
        self.route = route
        client = SocketPeer(headers, context)
        channel = context.channel
        let generations = SocketGenerations(route.completions.service.registry)
        self.generations = generations
        channel.closeFuture.whenComplete { _ in generations.close() }
    }

    /// Executes one message. A response that it begins goes on when the call has returned.
    func receive(_ text: [UInt8]) {
        var stream: String?
        do throws(APIError) {
            let json: JSONValue
            do throws(JSONError) {
                json = try JSONParser.parse(text)
            } catch {
                throw APIError(.invalidRequest, "The message is not valid JSON: \(error)")
            }
            stream = ResponseSocketMessage.streamOfRefused(json)
            switch try ResponseSocketMessage(json) {
            case .create(let request, let stream):
                try add(Job(request: request, byteCount: text.count, stream: stream))
            case .cancel(let stream): try cancel(stream.map { ExactString($0) })
            case .steer(let message): steer(message)
            }
        } catch {
            send(error, stream)
        }
    }

    /// Writes an event of type `error`. It has no effect on a running response.
    private func send(_ error: APIError, _ stream: String?) {
        send(ResponseSocketError.frame(error, stream: stream))
    }

    /// Writes a frame that belongs to no response.
    func send(_ frame: [UInt8]) { channel.withSocket { $0.write(frame) } }

    /// A new id without a prefix.
    func makeID() -> String { route.completions.service.registry.makeID() }

    /// The number of the next message about steering, from 0.
    func nextSteeringNumber() -> Int {
        defer { steeringCount += 1 }
        return steeringCount
    }

    // MARK: Messages

    /// Begins a job, or adds it behind the others of its lane.
    /// - Throws: `rateLimited` if too many lanes run or too many jobs wait.
    private func add(_ job: Job) throws(APIError) {
        switch lanes.add(job, to: job.lane) {
        case .begins: Task { await begin(job) }
        case .waits: break
        case .tooManyLanes:
            throw APIError(
                .rateLimited, "At most \(ResponseLanes<Job>.laneLimit) streams of a WebSocket may run at the same time",
                field: "stream_id")
        case .tooManyJobs:
            throw APIError(
                .rateLimited, "At most \(ResponseLanes<Job>.waitingLimit) responses of a WebSocket may wait")
        }
    }

    /// Stops the running response of a lane. Its last event says so.
    private func cancel(_ lane: ExactString?) throws(APIError) {
        guard let generation = running[lane] else {
            var error = APIError.conflict("not_running", "No response of this stream runs")
            error.code = "response_cancel_not_active"
            throw error
        }
        route.completions.service.registry.cancel(generation.handle)
    }

    // MARK: Responses

    /// Begins the response of a job whose turn it is, and attaches its log.
    private func begin(_ job: Job) async {
        let job = withWaitingInput(job)
        do {
            let (generation, request) = try await route.completions.begin(
                job.request, after: local, for: client, of: generations, on: channel.eventLoop)
            local.add(generation, request, byteCount: job.byteCount)
            running[job.lane] = generation
            if let id = job.continues {
                steering.commit(id)
                streams[id] = nil
            }
            let id = generation.spec.head.id
            streams[id] = .some(job.stream)
            steering.begin(id, isSteerable: request["conversation"] == nil)
            attach(generation, job)
        } catch {
            refuseSteering(of: job)
            send(APIError(ofCompletion: error), job.stream)
            await finish(job.lane)
        }
    }

    /// Writes a log into the WebSocket from now on.
    private func attach(_ generation: Generation, _ job: Job) {
        guard let view = generation.spec.view as? ResponsesView else { return }
        let stream = EncodedStream(of: generation.log, as: ResponseFramesView(view, stream: job.stream))
        let loop = route.loops.loop(for: channel.eventLoop)
        let id = generation.spec.responseID
        channel.withSocket { [channel] socket in
            let lease = generation.acquireReaderLease()
            let reader = StreamReader(stream, loop: loop) { end in
                lease.release()
                // The WebSocket closes. Its generations end with it, so they stay in `generations` until then.
                guard case .complete = end else { return }
                channel.withSocket { $0.attachmentEnded(id) }
                Task { await self.ended(generation, job) }
            }
            socket.attach(reader, to: id)
        }
    }

    /// The last event of a response was written. Its lane goes on, with the successor of a steered response first.
    private func ended(_ generation: Generation, _ job: Job) async {
        generations.remove(generation)
        local.settle(generation)
        running[job.lane] = nil
        if let successor = steeredSuccessor(of: generation, job) {
            await begin(successor)
        } else {
            await finish(job.lane)
        }
    }

    /// Begins the next job of a lane.
    private func finish(_ lane: ExactString?) async {
        if let next = lanes.finish(lane) { await begin(next) }
    }
}

/// The part of a handshake that its later messages share: the owner, rights and headers of the client.
struct SocketPeer: Sendable {
    let owner: Owner
    let mayRaisePriority: Bool
    let loadsModel: Bool?
    let headers: HTTPFields

    init(_ headers: HTTPFields, _ context: EdgeContext) {
        owner = context.requestInfo.owner
        mayRaisePriority = context.requestInfo.mayRaisePriority
        loadsModel = context.requestInfo.loadsModel
        self.headers = headers
    }
}
