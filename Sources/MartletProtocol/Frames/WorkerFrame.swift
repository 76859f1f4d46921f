/// A message from a worker to its edge.
package enum WorkerFrame: Sendable, Equatable {
    case hello(version: UInt16)
    case state(EngineState)
    /// The events of one step, for all sequences.
    case events([EngineEvent])
    case tokens(QueryNumber, [TokenPiece])
    case bytes(QueryNumber, [UInt8])
    case status(QueryNumber, EngineStatus)
    case embeddings(QueryNumber, [Embedding])
    case slot(QueryNumber, SlotActionResult)
    /// The reply to a query that failed.
    case failure(QueryNumber, EngineError)
    /// A part of the payload of a reply that is too large for one frame. The last part completes it. Events may be sent
    /// between parts.
    case part(QueryNumber, [UInt8], isLast: Bool)
    /// The reply to a ping: the activity of the engine's threads.
    case pulse([ThreadActivity])
}

extension WorkerFrame {
    private enum Kind: UInt8 {
        case hello = 1
        case state = 2
        case events = 3
        case tokens = 4
        case bytes = 5
        case status = 6
        case failure = 7
        case embeddings = 8
        case part = 9
        case pulse = 10
        case slot = 11
    }

    /// Appends the frame with its length to `buffer`.
    ///
    /// - Throws: `tooLarge` if the other side would refuse it; `buffer` is then unchanged.
    package func encode(to buffer: inout [UInt8]) throws(FrameError) {
        try ByteWriter.appendFrame(to: &buffer) { writer in write(to: &writer) }
    }

    /// Appends the frame with its length and its number to `buffer`. A greeting has no number.
    ///
    /// - Throws: `tooLarge` if the other side would refuse it; `buffer` is then unchanged.
    package func encode(number: UInt64, to buffer: inout [UInt8]) throws(FrameError) {
        try ByteWriter.appendFrame(to: &buffer) { writer in
            writer.write(number)
            write(to: &writer)
        }
    }

    /// Decodes a frame with its number. The texts of tokens share the storage of `payload`.
    ///
    /// - Parameter payload: a frame without its length, as `FrameDecoder` returns it.
    package static func numbered(
        _ payload: ArraySlice<UInt8>
    ) throws(FrameError) -> (number: UInt64, frame: WorkerFrame) {
        var reader = ByteReader(payload)
        return (try reader.readUInt64(), try WorkerFrame(from: &reader))
    }

    private func write(to writer: inout ByteWriter) {
        switch self {
        case .hello(let version):
            writer.write(Kind.hello.rawValue)
            writer.writeGreeting(version: version)
        case .state(let state):
            writer.write(Kind.state.rawValue)
            state.write(to: &writer)
        case .events(let events):
            writer.write(Kind.events.rawValue)
            writer.write(events)
        case .tokens(let number, let tokens):
            writer.write(Kind.tokens.rawValue)
            writer.write(number.rawValue)
            writer.write(tokens)
        case .bytes(let number, let bytes):
            writer.write(Kind.bytes.rawValue)
            writer.write(number.rawValue)
            writer.write(bytes)
        case .status(let number, let status):
            writer.write(Kind.status.rawValue)
            writer.write(number.rawValue)
            status.write(to: &writer)
        case .embeddings(let number, let embeddings):
            writer.write(Kind.embeddings.rawValue)
            writer.write(number.rawValue)
            writer.write(embeddings)
        case .slot(let number, let result):
            writer.write(Kind.slot.rawValue)
            writer.write(number.rawValue)
            result.write(to: &writer)
        case .failure(let number, let error):
            writer.write(Kind.failure.rawValue)
            writer.write(number.rawValue)
            error.write(to: &writer)
        case .part(let number, let bytes, let isLast):
            writer.write(Kind.part.rawValue)
            writer.write(number.rawValue)
            writer.write(bytes)
            writer.write(isLast)
        case .pulse(let activities):
            writer.write(Kind.pulse.rawValue)
            writer.write(activities)
        }
    }

    /// Decodes a frame. The texts of tokens share the storage of `payload`.
    ///
    /// - Parameter payload: a frame without its length, as `FrameDecoder` returns it.
    package init(payload: ArraySlice<UInt8>) throws(FrameError) {
        var reader = ByteReader(payload)
        try self.init(from: &reader)
    }

    /// Decodes the kind and fields, which must end the frame.
    private init(from reader: inout ByteReader) throws(FrameError) {
        let number = try reader.readByte()
        guard let kind = Kind(rawValue: number) else { throw .unknownCase(of: "frame of a worker", number: number) }
        self =
            switch kind {
            case .hello: .hello(version: try reader.readGreeting())
            case .state: .state(try EngineState(from: &reader))
            case .events: .events(try reader.readFields(EngineEvent.self))
            case .tokens: .tokens(try reader.readQueryNumber(), try reader.readFields(TokenPiece.self))
            case .bytes: .bytes(try reader.readQueryNumber(), Array(try reader.readSlice()))
            case .status: .status(try reader.readQueryNumber(), try EngineStatus(from: &reader))
            case .embeddings:
                .embeddings(try reader.readQueryNumber(), try reader.readFields(Embedding.self))
            case .slot: .slot(try reader.readQueryNumber(), try SlotActionResult(from: &reader))
            case .failure: .failure(try reader.readQueryNumber(), try EngineError(from: &reader))
            case .part:
                .part(
                    try reader.readQueryNumber(), Array(try reader.readSlice()), isLast: try reader.readBool())
            case .pulse: .pulse(try reader.readFields(ThreadActivity.self))
            }
        try reader.finish()
    }
}
