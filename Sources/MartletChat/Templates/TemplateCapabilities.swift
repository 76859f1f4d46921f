/// Properties of a template, found by rendering probes. `MessageAdapter` adapts messages by them.
///
/// Each property is the result of an experiment: the template renders a small conversation, and the probe's words
/// occur in the result or not.
package struct TemplateCapabilities: Sendable, Equatable {
    /// The encoding in which the template accepts arguments of past tool calls.
    package enum ArgumentEncoding: Sendable, Equatable {
        /// Objects and text give a usable prompt.
        case either
        /// As JSON objects.
        case objects
        /// As the text of a JSON object.
        case texts
    }
    /// Whether system messages are rendered.
    package var supportsSystemRole = false
    /// Whether developer messages are rendered.
    package var supportsDeveloperRole = false
    /// Roles whose content may be a string.
    package var textRoles: Set<String> = []
    /// Roles whose content may be a list of parts.
    package var partsRoles: Set<String> = []
    /// Whether tools are rendered.
    package var supportsTools = false
    /// Whether past tool calls are rendered.
    package var supportsToolCalls = false
    /// Whether several calls of one message are rendered.
    package var supportsParallelToolCalls = false
    /// Whether results of tools are rendered.
    package var supportsToolResponses = false
    /// The encoding of arguments.
    package var argumentEncoding = ArgumentEncoding.either
    /// Whether an assistant message with tool calls may have no content.
    package var acceptsNullContent = false
    /// Whether a tool's schema may contain the type `null`, in a list of types or not. Templates that print Python
    /// types may recurse over it without end.
    package var acceptsNullTypes = true
    /// Whether a tool and its arguments may lack a description.
    package var acceptsMissingDescriptions = true
    /// Whether an assistant message with tool calls and reasoning may have content too.
    package var acceptsContentWithReasoningAndCalls = true
    /// Whether ids of calls must be nine letters and digits.
    package var demandsShortCallIDs = false
    /// The template variable that turns reasoning on and off, such as `enable_thinking`; nil if there is none.
    package var reasoningSwitch: String?
    /// The field of an assistant's message that the template renders as reasoning; nil if there is none.
    package var reasoningField: String?
    /// Whether reasoning may be a part of an assistant's content, of type `thinking`.
    package var acceptsReasoningParts = false
    /// Whether an assistant's message without text is refused as a string and accepted as a list of parts.
    package var requiresPartsForEmptyText = false

    /// A template of which nothing is known yet.
    package init() {}
}
