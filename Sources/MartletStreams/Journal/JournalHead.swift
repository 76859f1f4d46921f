package import MartletProtocol
internal import NIOCore

/// The part of a generation's spec that a later server needs.
package struct JournalHead: Sendable, Equatable {
    package var log: LogHead
    package var responseID: String
    package var owner: Owner
    package var lifetime: GenerationSpec.Lifetime
    package var label: String?
    package var streams: Bool
    package var pingInterval: Duration?
    package var choiceCount: Int
    package var choicesPerPrompt: Int
    /// The client's request, in a form that only the server's `StoredRequest` reads.
    package var storedRequest: [UInt8]
    /// The options of the request as they were resolved at admission, in a form that only the server's
    /// `ResolvedOptions` reads; empty = an older build wrote the journal.
    package var resolvedOptions: [UInt8]

    package init(_ spec: GenerationSpec) {
        log = spec.head
        responseID = spec.responseID
        owner = spec.owner
        lifetime = spec.lifetime
        label = spec.label
        streams = spec.streams
        pingInterval = spec.pingInterval.map { .nanoseconds($0.nanoseconds) }
        choiceCount = spec.choiceCount
        choicesPerPrompt = spec.choicesPerPrompt
        storedRequest = spec.storedRequest
        resolvedOptions = spec.resolvedOptions
    }

    /// The spec that the head was made from.
    /// - Parameter view: the view, made from `storedRequest` and `resolvedOptions`.
    package func spec(view: any ResponseView) -> GenerationSpec {
        var spec = GenerationSpec(head: log, responseID: responseID, view: view)
        spec.owner = owner
        spec.lifetime = lifetime
        spec.label = label
        spec.streams = streams
        spec.pingInterval = pingInterval.map { TimeAmount($0) }
        spec.choiceCount = choiceCount
        spec.choicesPerPrompt = choicesPerPrompt
        spec.storedRequest = storedRequest
        spec.resolvedOptions = resolvedOptions
        return spec
    }

    init(log: LogHead, responseID: String) {
        self.log = log
        self.responseID = responseID
        owner = .open
        lifetime = .plain
        streams = false
        choiceCount = 1
        choicesPerPrompt = 1
        storedRequest = []
        resolvedOptions = []
    }

    /// A log's records have two bytes for a choice's number.
    private static let choiceLimit = 65_536

    var hasValidChoices: Bool {
        (1...Self.choiceLimit).contains(choiceCount) && (1...choiceCount).contains(choicesPerPrompt)
    }
}

/// A request that an engine received, and its model.
package struct JournalRequest: Sendable, Equatable {
    package var request: GenerationRequest
    /// The model whose vocabulary the tokens belong to, and whose chat template determines the output parser.
    package var model: ModelInformation
    /// The output parser, in a form that only the server's `ParserDescription` reads. It is the same for all choices,
    /// so the first one has it; empty = an older build wrote the journal.
    package var parserDescription: [UInt8]

    package init(_ request: GenerationRequest, model: ModelInformation, parserDescription: [UInt8] = []) {
        self.request = request
        self.model = model
        self.parserDescription = parserDescription
    }
}
