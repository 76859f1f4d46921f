internal import MartletText
package import NIOCore

/// The part of a generation that is fixed before it begins.
package struct GenerationSpec: Sendable {
    /// The condition that ends a generation early, apart from a control command or a cancellation.
    package enum Lifetime: String, Sendable, CaseIterable {
        /// The generation ends with the connection of its request, and is not retained.
        case plain
        /// The generation ends when it has had no reader for a time, and is retained after its end.
        case resumable
        /// The generation runs to its own end, and is retained after its end.
        case background
    }
    /// Id, time of creation and model name.
    package var head: LogHead
    /// The id as responses contain it: with the prefix of the wire format.
    package var responseID: String
    package var owner = Owner.open
    package var lifetime = Lifetime.plain
    /// The client's name for the conversation that the generation belongs to.
    package var label: String?
    /// Whether the response is a stream. Only a stream becomes the newest generation of its label.
    package var streams = true
    /// The longest silence of the stream, after which a ping is written; `nil` = no pings.
    package var pingInterval: TimeAmount?
    /// The number of choices, at least 1. Every prompt has the same number; choices are in the order of the prompts.
    package var choiceCount = 1
    /// The number of choices of each prompt. `choiceCount` is a multiple.
    package var choicesPerPrompt = 1
    /// The format of the response.
    package var view: any ResponseView
    /// The request in a form that its maker can read again. The journal stores it.
    package var storedRequest: [UInt8] = []
    /// The options that the view depends on, in a form that its maker can read again. The journal stores them.
    package var resolvedOptions: [UInt8] = []

    /// The model that computes the generation; nil = the engine that the registry was connected to.
    package var model: (any GenerationModel)?
    /// Called once, with no lock held, when the generation has ended or was handed over.
    package var onEnd: (@Sendable () -> Void)?

    package init(head: LogHead, responseID: String? = nil, view: any ResponseView) {
        self.head = head
        self.responseID = responseID ?? head.id
        self.view = view
    }

    /// Whether the generation can be looked up, journalled and retained.
    package var isResumable: Bool { lifetime != .plain }

    /// The key under which the generation becomes the newest of its label; nil without a label.
    var labelKey: LabelKey? {
        guard isResumable, streams, let label else { return nil }
        return LabelKey(owner: owner, label: ExactString(label))
    }
}

/// A label of one owner. The same text of another owner is another label.
struct LabelKey: Hashable, Sendable {
    var owner: Owner
    var label: ExactString
}
