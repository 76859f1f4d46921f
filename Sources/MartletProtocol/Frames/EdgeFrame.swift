/// A message from the edge to its worker.
package enum EdgeFrame: Sendable, Equatable {
    case hello(version: UInt16)
    case submit(GenerationRequest)
    case cancel(GenerationHandle)
    case unpin(PinnedPrefixID)
    case control(GenerationHandle, CommandNumber, ControlAction)
    case tokenize(QueryNumber, Prompt)
    case detokenize(QueryNumber, [Int32])
    case status(QueryNumber)
    case embed(QueryNumber, [Prompt])
    case slot(QueryNumber, SlotAction)
    /// The task that waits for this reply was cancelled.
    case withdraw(QueryNumber)
    /// Asks for the activity of the engine's threads.
    case ping
    /// Ends all generations, then the process.
    case shutdown
}

/// Matches a reply with its query.
package struct QueryNumber: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

extension EdgeFrame {
    private enum Kind: UInt8 {
        case hello = 1
        case submit = 2
        case cancel = 3
        case tokenize = 4
        case detokenize = 5
        case status = 6
        case shutdown = 7
        case embed = 8
        case control = 9
        case withdraw = 10
        case ping = 11
        case unpin = 12
        case slot = 13
    }

    /// Appends the frame with its length to `buffer`.
    ///
    /// - Throws: `tooLarge` if the other side would refuse it; `buffer` is then unchanged.
    package func encode(to buffer: inout [UInt8]) throws(FrameError) {
        try ByteWriter.appendFrame(to: &buffer) { writer in write(to: &writer) }
    }

    private func write(to writer: inout ByteWriter) {
        switch self {
        case .hello(let version):
            writer.write(Kind.hello.rawValue)
            writer.writeGreeting(version: version)
        case .submit(let request):
            writer.write(Kind.submit.rawValue)
            request.write(to: &writer)
        case .cancel(let handle):
            writer.write(Kind.cancel.rawValue)
            writer.write(handle.rawValue)
        case .unpin(let prefix):
            writer.write(Kind.unpin.rawValue)
            writer.write(prefix.rawValue)
        case .control(let handle, let number, let action):
            writer.write(Kind.control.rawValue)
            writer.write(handle.rawValue)
            writer.write(number.rawValue)
            action.write(to: &writer)
        case .tokenize(let number, let prompt):
            writer.write(Kind.tokenize.rawValue)
            writer.write(number.rawValue)
            prompt.write(to: &writer)
        case .detokenize(let number, let tokens):
            writer.write(Kind.detokenize.rawValue)
            writer.write(number.rawValue)
            writer.write(tokens)
        case .status(let number):
            writer.write(Kind.status.rawValue)
            writer.write(number.rawValue)
        case .embed(let number, let inputs):
            writer.write(Kind.embed.rawValue)
            writer.write(number.rawValue)
            writer.write(inputs)
        case .slot(let number, let action):
            writer.write(Kind.slot.rawValue)
            writer.write(number.rawValue)
            action.write(to: &writer)
        case .withdraw(let number):
            writer.write(Kind.withdraw.rawValue)
            writer.write(number.rawValue)
        case .ping: writer.write(Kind.ping.rawValue)
        case .shutdown:
            writer.write(Kind.shutdown.rawValue)
        }
    }

    /// Decodes a frame.
    ///
    /// - Parameter payload: a frame without its length, as `FrameDecoder` returns it.
    package init(payload: ArraySlice<UInt8>) throws(FrameError) {
        var reader = ByteReader(payload)
        let number = try reader.readByte()
        guard let kind = Kind(rawValue: number) else { throw .unknownCase(of: "frame of an edge", number: number) }
        self =
            switch kind {
            case .hello: .hello(version: try reader.readGreeting())
            case .submit: .submit(try GenerationRequest(from: &reader))
            case .cancel: .cancel(GenerationHandle(rawValue: try reader.readUInt64()))
            case .unpin: .unpin(PinnedPrefixID(rawValue: try reader.readUInt64()))
            case .control:
                .control(
                    GenerationHandle(rawValue: try reader.readUInt64()),
                    CommandNumber(rawValue: try reader.readUInt64()), try ControlAction(from: &reader))
            case .tokenize: .tokenize(try reader.readQueryNumber(), try Prompt(from: &reader))
            case .detokenize: .detokenize(try reader.readQueryNumber(), try reader.readInt32s())
            case .status: .status(try reader.readQueryNumber())
            case .embed: .embed(try reader.readQueryNumber(), try reader.readFields(Prompt.self))
            case .slot: .slot(try reader.readQueryNumber(), try SlotAction(from: &reader))
            case .withdraw: .withdraw(try reader.readQueryNumber())
            case .ping: .ping
            case .shutdown: .shutdown
            }
        try reader.finish()
    }
}
