internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletStreams
internal import OrderedCollections

// Input of the client for the end of a running response (`response.steer`). A successor is a response like all others:
// its request has the fields of the request before, continues that response, and has the queued input.
extension ResponseSocketSession {
    /// Queues input for a running response, and says so.
    func steer(_ message: SteeringMessage) {
        let id = ResponseHistory.digits(of: message.target)
        let stream = streams[id] ?? nil
        if let problem = message.problem { return refuse(message, nil, .invalidInput, problem, stream) }
        let name = "steer_" + makeID()
        let entry = SteeringQueue<SteeringMessage>.Entry(id: name, input: message, byteCount: message.byteCount)
        switch steering.submit(entry, for: id) {
        case .success:
            send(SteeringFrames.accepted(name, of: message.target, number: nextSteeringNumber(), stream: stream))
        case .failure(.notRunning):
            if case .ended? = local.found(message.target) {
                refuse(message, nil, .completed, "The response has ended; send its input with response.create", stream)
            } else {
                refuse(message, nil, .unknown, "No response of this WebSocket has this id", stream)
            }
        case .failure(.notSupported):
            refuse(message, nil, .notSupported, "A response of a conversation cannot be steered", stream)
        case .failure(.tooMany):
            let limit = SteeringQueue<SteeringMessage>.countLimit
            refuse(message, nil, .tooMany, "At most \(limit) inputs of a WebSocket may wait", stream)
        }
    }

    private func refuse(
        _ message: SteeringMessage, _ id: String?, _ code: SteeringFrames.Code, _ reason: String, _ stream: String?
    ) {
        send(
            SteeringFrames.failed(
                id, of: message.target, input: message.input, code, reason, number: nextSteeringNumber(),
                stream: stream))
    }

    /// Reacts to the end of a response.
    /// - Returns: the job that succeeds it in its lane; nil if none does.
    func steeredSuccessor(of generation: Generation, _ job: Job) -> Job? {
        let id = generation.spec.head.id
        var end = SteeringQueue<SteeringMessage>.End.failed
        var stored: StoredResponse?
        if case .ended(let response)? = local.found(id) { stored = response }
        let required = stored.map { SteeringFrames.requiredInput(of: $0.response) } ?? []
        if let stored, ["completed", "incomplete"].contains(stored.response["status"]) {
            end = required.isEmpty ? .continuable : .needsOutputs
        }
        streams[id] = nil
        switch steering.end(id, end) {
        case .none: return nil
        case .wait(let entries):
            streams[id] = job.stream
            for entry in entries {
                send(
                    SteeringFrames.pending(
                        entry.id, of: entry.input.target, required: required, number: nextSteeringNumber(),
                        stream: job.stream))
            }
            return nil
        case .refuse(let entries):
            for entry in entries {
                refuse(
                    entry.input, entry.id, .notActive, "The response has ended without a result to continue",
                    job.stream)
            }
            return nil
        case .succeed(let entries):
            guard var members = stored?.request.objectValue else { return nil }
            members["previous_response_id"] = .string(generation.spec.responseID)
            members["input"] = .array(entries.flatMap(\.input.items))
            var successor = Job(
                request: .object(members), byteCount: entries.reduce(0) { $0 + $1.byteCount }, stream: job.stream)
            successor.steering = entries
            return successor
        }
    }

    /// A request of the client with the input that waits for it in front of its own.
    func withWaitingInput(_ job: Job) -> Job {
        guard let id = try? Dialect.responses.previousID(job.request) else { return job }
        let entries = steering.waiting(for: ResponseHistory.digits(of: id))
        let input = job.request["input"]
        // An input of another type is refused, and the waiting input stays.
        guard !entries.isEmpty, var members = job.request.objectValue,
            input == nil || input?.stringValue != nil || input?.arrayValue != nil
        else { return job }
        // Outputs of calls follow their calls, as chat templates demand; then come the words of the user.
        let own = ResponseItemList.items(of: job.request)
        let outputs = own.prefix { $0["type"]?.stringValue?.hasSuffix("_output") == true }
        members["input"] = .array(outputs + entries.flatMap(\.input.items) + own.dropFirst(outputs.count))
        var job = job
        job.request = .object(members)
        job.byteCount += entries.reduce(0) { $0 + $1.byteCount }
        job.continues = ResponseHistory.digits(of: id)
        return job
    }

    /// A job could not begin. The input that only the job has returns to the client.
    func refuseSteering(of job: Job) {
        for entry in job.steering {
            refuse(entry.input, entry.id, .noSuccessor, "The next response could not be created", job.stream)
        }
    }
}
