internal import MartletText
package import NIOCore

/// What is fixed of a generation before it begins.
package struct GenerationSpec: Sendable {
    /// What ends a generation besides its own end and an order to stop.
    package enum Lifetime: String, Sendable, CaseIterable {
        /// The end of the connection that asked for it. Nothing of it is kept.
        case plain
        /// That nobody has read it for long. It is kept for a while when it has ended.
        case resumable
        /// Nothing. It is kept for a while when it has ended.
        case background
    }
    package var head: LogHead
    /// The id as responses carry it: with the prefix of the wire format.
    package var responseID: String
    package var owner = Owner.open
    package var lifetime = Lifetime.plain
    /// What the client calls the conversation that this generation belongs to.
    package var label: String?
    /// Whether the response is a stream. Only such a generation takes its label over.
    package var streams = true
    /// The longest silence of the stream; `nil` = any.
    package var pingInterval: TimeAmount?
    /// How many answers there are: the same number to each prompt, in the order of the prompts.
    package var choiceCount = 1
    package var choicesPerPrompt = 1
    /// How the response looks.
    package var view: any StreamView
    /// The request in a form from which its maker can make the view, and all else, again.
    package var storedRequest: [UInt8] = []

    package init(head: LogHead, responseID: String? = nil, view: any StreamView) {
        self.head = head
        self.responseID = responseID ?? head.id
        self.view = view
    }

    package var isResumable: Bool { lifetime != .plain }

    /// Under which its owner finds the newest of them.
    var labelKey: LabelKey? {
        guard isResumable, streams, let label else { return nil }
        return LabelKey(owner: owner, label: ExactString(label))
    }
}

/// A label is its owner's: the same text of another owner is another label.
struct LabelKey: Hashable, Sendable {
    var owner: Owner
    var label: ExactString
}
