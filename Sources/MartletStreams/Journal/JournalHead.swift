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

    init(log: LogHead, responseID: String) {
        self.log = log
        self.responseID = responseID
        owner = .open
        lifetime = .plain
        streams = false
        choiceCount = 1
        choicesPerPrompt = 1
        origin = []
    }

    /// A log's records have two bytes for a choice's number.
    private static let choiceLimit = 65_536

    var hasValidChoices: Bool {
        (1...Self.choiceLimit).contains(choiceCount) && (1...choiceCount).contains(choicesPerPrompt)
    }
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
}
