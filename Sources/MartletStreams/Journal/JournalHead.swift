package import MartletProtocol
internal import NIOCore

/// What is fixed about a generation when it is admitted, as far as it must outlive the server.
package struct JournalHead: Sendable, Equatable {
    package var log: LogHead
    package var responseID: String
    package var owner: Owner
    package var lifetime: GenerationTerms.Lifetime
    package var label: String?
    package var streams: Bool
    package var pingInterval: Duration?
    package var choiceCount: Int
    package var choicesPerPrompt: Int
    /// The client's request, in a form that only who made it understands.
    package var origin: [UInt8]

    package init(_ terms: GenerationTerms) {
        log = terms.head
        responseID = terms.responseID
        owner = terms.owner
        lifetime = terms.lifetime
        label = terms.label
        streams = terms.streams
        pingInterval = terms.pingInterval.map { .nanoseconds($0.nanoseconds) }
        choiceCount = terms.choiceCount
        choicesPerPrompt = terms.choicesPerPrompt
        origin = terms.origin
    }

    /// The terms that it was made from.
    /// - Parameter view: made from `origin`.
    package func terms(view: any StreamView) -> GenerationTerms {
        var terms = GenerationTerms(head: log, responseID: responseID, view: view)
        terms.owner = owner
        terms.lifetime = lifetime
        terms.label = label
        terms.streams = streams
        terms.pingInterval = pingInterval.map { TimeAmount($0) }
        terms.choiceCount = choiceCount
        terms.choicesPerPrompt = choicesPerPrompt
        terms.origin = origin
        return terms
    }

    func write(to writer: inout ByteWriter) {
        writer.write(log.id)
        writer.write(log.created)
        writer.write(log.model)
        writer.write(responseID)
        writer.write(owner.rawValue)
        writer.write(lifetime.rawValue)
        writer.write(label)
        writer.write(streams)
        writer.write(pingInterval)
        writer.write(choiceCount)
        writer.write(choicesPerPrompt)
        writer.write(origin)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        log = LogHead(
            id: try reader.readString(), created: try reader.readInt64(), model: try reader.readString())
        responseID = try reader.readString()
        owner = Owner(rawValue: try reader.readString())
        guard let lifetime = GenerationTerms.Lifetime(rawValue: try reader.readString()) else {
            throw .invalidValue("lifetime")
        }
        self.lifetime = lifetime
        label = try reader.readOptional { reader throws(FrameError) in try reader.readString() }
        streams = try reader.readBool()
        pingInterval = try reader.readOptional { reader throws(FrameError) in try reader.readDuration() }
        choiceCount = try reader.readInt()
        choicesPerPrompt = try reader.readInt()
        guard (1...Self.choiceLimit).contains(choiceCount), (1...choiceCount).contains(choicesPerPrompt) else {
            throw .invalidValue("number of choices")
        }
        origin = Array(try reader.readSlice())
    }

    /// A log's records have two bytes for a choice's number.
    private static let choiceLimit = 65_536
}

/// What an engine was asked, and of which model.
package struct JournalRequest: Sendable, Equatable {
    package var request: GenerationRequest
    /// Whose tokens they are, and whose template says what the parts of an answer are.
    package var model: ModelInformation

    package init(_ request: GenerationRequest, model: ModelInformation) {
        self.request = request
        self.model = model
    }

    func write(to writer: inout ByteWriter) {
        writer.write(request)
        writer.write(model)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        request = try reader.readRequest()
        model = try reader.readModelInformation()
    }
}
