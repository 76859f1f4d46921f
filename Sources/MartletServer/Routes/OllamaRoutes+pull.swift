internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletJSON
internal import MartletModels
internal import MartletPool
internal import MartletStreams
internal import MartletText
internal import NIOCore

extension OllamaRoutes {
    /// Responds to `/api/pull`: a model that is present is reported at once, another one is downloaded.
    ///
    /// The response follows a download that the pool owns. A client that disconnects does not end the download, and a
    /// client that asks again follows the same download.
    /// - Throws: `notSupported` on a server of one model, and with `--offline`; `invalidRequest` for a name that is no
    ///   repository. Later failures are a line of the stream.
    func pull(_ request: Request, on context: EdgeContext) async throws -> Response {
        let json = try await request.json(upTo: configuration.limits.textBodyBytes)
        let fields = try FieldReader(json)
        let streams = try fields.bool("stream") ?? true
        let given = try fields.string("model") ?? fields.string("name") ?? ""
        let name = OllamaBodies.modelName(given)
        guard !name.isEmpty else {
            throw APIError.field("model", "The name of a model is required, but the field is missing")
        }
        guard let pool else {
            guard (try? model(named: name)) != nil else {
                throw APIError(
                    .notSupported,
                    "pull model '\(name.excerpt(bytes: 256))': this server has one model and downloads none; run "
                        + "'martlet pull \(name.excerpt(bytes: 256))', or start the server with --models-dir",
                    field: "model")
            }
            return streams ? .lines([OllamaPull.beginning, OllamaPull.success]) : .json(OllamaPull.success)
        }
        if let status = try? pool.status(named: name), status.phase != .absent, status.phase != .downloading {
            return streams ? .lines([OllamaPull.beginning, OllamaPull.success]) : .json(OllamaPull.success)
        }
        guard let reference = OllamaPull.reference(name) else {
            throw APIError(
                .invalidRequest,
                "pull model '\(name.excerpt(bytes: 256))': models come from Hugging Face: hf.co/ORG/NAME:QUANTIZATION",
                field: "model")
        }
        // The cursor stands before the download, so that no change is missed.
        let cursor = pool.events.end
        guard try pool.download(reference) else {
            return streams ? .lines([OllamaPull.beginning, OllamaPull.success]) : .json(OllamaPull.success)
        }
        let frames = OllamaPullFrames(
            pool: pool, reference: reference, start: cursor, eventLoop: context.channel.eventLoop)
        guard streams else {
            let ending = try await context.untilDisconnect { await frames.ending() }
            if case .failure(let text) = ending { throw APIError(.failed, text) }
            return .json(OllamaPull.success)
        }
        return Response(
            status: .ok, headers: [.contentType: "application/x-ndjson", .cacheControl: "no-store"],
            body: ResponseBody(asyncSequence: frames))
    }
}

/// The lines of one pull. The framework asks for the next line when it has written the one before.
private struct OllamaPullFrames: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let pool: ModelPool
    let reference: HubReference
    /// The place before the download in the pool's changes.
    let start: ModelEventLog.Cursor
    let eventLoop: any EventLoop

    func makeAsyncIterator() -> Iterator {
        let registered = try? pool.status(named: reference.description).name
        return Iterator(
            frames: self, cursor: start,
            pull: OllamaPull(names: [reference.description] + (registered.map { [$0] } ?? [])))
    }

    /// Follows the download to its end without a client that reads lines.
    func ending() async -> OllamaPull.Ending {
        var iterator = makeAsyncIterator()
        while await iterator.next() != nil {}
        return iterator.pull.ending ?? .failure("pull model '\(reference)': the request was cancelled")
    }

    /// The state of the reader between two lines.
    struct Iterator: AsyncIteratorProtocol {
        let frames: OllamaPullFrames
        var cursor: ModelEventLog.Cursor
        var pull: OllamaPull
        /// Lines that were not sent, the next one last.
        var pending: [JSONValue] = [OllamaPull.beginning]

        /// The longest silence of the stream.
        private static let pause = TimeAmount.seconds(5)

        /// The next line; nil behind the last one, and when the server ends.
        mutating func next() async -> ByteBuffer? {
            while true {
                if let line = pending.popLast() { return ByteBuffer(bytes: line.bytes + [UInt8(ascii: "\n")]) }
                guard pull.ending == nil, !Task.isCancelled else { return nil }
                switch await frames.pool.events.read(&cursor, upTo: Self.pause, on: frames.eventLoop) {
                case .events(let events):
                    var lines: [JSONValue] = []
                    for event in events where pull.ending == nil { lines += pull.lines(for: event.change) }
                    pending = lines.reversed()
                case .missed, .silence:
                    // The end of the download may be among the changes that a slow reader has missed.
                    cursor = frames.pool.events.end
                    let isRunning = frames.pool.isDownloading(frames.reference)
                    pending = isRunning ? [pull.repetition()] : end().reversed()
                case .closed: pending = pull.end(problem: "was not downloaded: the server ends").reversed()
                }
            }
        }

        /// The last lines of a download whose end was not seen: the sources have the model, or they do not.
        private mutating func end() -> [JSONValue] {
            let phase = try? frames.pool.status(named: frames.reference.description).phase
            let isPresent = phase != nil && phase != .absent
            return pull.end(problem: isPresent ? nil : "was not downloaded; the log of the server has the reason")
        }
    }
}

extension Response {
    /// A response with one JSON value per line.
    ///
    /// - Parameter values: all lines; the response is complete at once.
    static func lines(_ values: [JSONValue]) -> Response {
        let body = values.flatMap { $0.bytes + [UInt8(ascii: "\n")] }
        return Response(
            status: .ok, headers: [.contentType: "application/x-ndjson"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}
