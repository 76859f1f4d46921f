package import MartletProtocol

/// What is fixed about a generation when it is admitted, as far as it must outlive the server.
package struct JournalHead: Sendable, Equatable {
    package var log: LogHead
    /// Who may see it; `nil` = whoever may use the server.
    package var owner: String?
    package var label: String?
    /// The client's request, in a form that only who made it understands.
    package var origin: [UInt8]

    package init(log: LogHead, owner: String? = nil, label: String? = nil, origin: [UInt8] = []) {
        self.log = log
        self.owner = owner
        self.label = label
        self.origin = origin
    }

    func write(to writer: inout ByteWriter) {
        writer.write(log.id)
        writer.write(log.created)
        writer.write(log.model)
        writer.write(owner)
        writer.write(label)
        writer.write(origin)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        log = LogHead(
            id: try reader.readString(), created: try reader.readInt64(), model: try reader.readString())
        owner = try reader.readOptional { reader throws(FrameError) in try reader.readString() }
        label = try reader.readOptional { reader throws(FrameError) in try reader.readString() }
        origin = Array(try reader.readSlice())
    }
}

/// What an engine was asked, and what makes its text the parts of an answer.
package struct JournalRequest: Sendable, Equatable {
    package var request: GenerationRequest
    /// What the splitter was made from, in a form that only who made it understands. Empty = there is none.
    package var splitter: [UInt8]
    /// Of the model that the tokens are of.
    package var modelFingerprint: String

    package init(request: GenerationRequest, splitter: [UInt8] = [], modelFingerprint: String = "") {
        self.request = request
        self.splitter = splitter
        self.modelFingerprint = modelFingerprint
    }

    func write(to writer: inout ByteWriter) {
        writer.write(request)
        writer.write(splitter)
        writer.write(modelFingerprint)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        request = try reader.readRequest()
        splitter = Array(try reader.readSlice())
        modelFingerprint = try reader.readString()
    }
}
