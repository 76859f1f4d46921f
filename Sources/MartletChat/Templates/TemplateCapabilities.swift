/// What a template does with what it is given, found out by rendering probes.
package struct TemplateCapabilities: Sendable, Equatable {
    /// How the arguments of past tool calls are to be handed over.
    package enum ArgumentEncoding: Sendable, Equatable {
        case either
        case objects
        /// As the text of a JSON object.
        case texts
    }
    package var supportsSystemRole = false
    package var supportsDeveloperRole = false
    /// Roles whose content may be a string.
    package var textRoles: Set<String> = []
    /// Roles whose content may be a list of parts.
    package var partsRoles: Set<String> = []
    package var supportsTools = false
    package var supportsToolCalls = false
    package var supportsParallelToolCalls = false
    package var supportsToolResponses = false
    package var argumentEncoding = ArgumentEncoding.either
    /// Whether an assistant message with tool calls may have no content.
    package var acceptsNullContent = false
    /// Whether a tool's schema may have the type `null`, alone or in a list of types. Templates that write types as
    /// Python's may recurse without end over it.
    package var acceptsNullTypes = true
    /// Whether a tool and its arguments may lack a description.
    package var acceptsMissingDescriptions = true
    /// Whether an assistant message with tool calls and reasoning may have content too.
    package var acceptsContentWithReasoningAndCalls = true
    /// Whether ids of calls must be nine letters and digits.
    package var demandsShortCallIDs = false
    /// The argument that turns thinking on and off, if there is one.
    package var reasoningSwitch: String?
    /// The field of an assistant message whose text the template renders as thinking, if there is one.
    package var reasoningField: String?
    /// Whether thinking is a part of an assistant's content, of type `thinking`.
    package var acceptsReasoningParts = false
    /// Whether an assistant message without a text is refused as a string, and taken as a list of parts.
    package var requiresPartsForEmptyText = false

    package init() {}
}
