import MartletConversation
import MartletJSON
import Testing

@testable import MartletChat

/// Messages of a conversation in the form that templates read.
struct ConversationFormTests {
    @Test func aPlainTextIsAString() {
        #expect(ConversationMessage(.user, "Hi").templateForm == ["role": "user", "content": "Hi"])
    }

    @Test func partsAreAListInTheirOrder() {
        let message = ConversationMessage(
            .user, parts: [.text("a"), .media(MediaReference(.image, digest: "00")), .text("b")])
        #expect(
            message.templateForm == [
                "role": "user",
                "content": [["type": "text", "text": "a"], ["type": "image"], ["type": "text", "text": "b"]],
            ])
    }

    @Test func reasoningAndCallsAreMembersOfTheirOwn() {
        var call = ToolCallPart(id: "c1", name: "f", arguments: .object(["a": 1]))
        call.templateMembers = ["index": 0, "id": "other"]
        let message = ConversationMessage(
            .assistant,
            parts: [
                .reasoning(ReasoningPart("One.", signature: "s")), .text("Well."), .reasoning(ReasoningPart("Two.")),
                .toolCall(call), .toolCall(ToolCallPart(id: nil, name: "g", arguments: .text("{}"))),
            ], isPlain: true)
        #expect(
            message.templateForm == [
                "role": "assistant", "content": "Well.", "reasoning_content": "One.\nTwo.",
                "tool_calls": [
                    [
                        "id": "c1", "type": "function", "function": ["name": "f", "arguments": ["a": 1]], "index": 0,
                    ], ["type": "function", "function": ["name": "g", "arguments": "{}"]],
                ],
            ])
    }

    @Test func aResultIsTheContentOfAToolsMessage() {
        var message = ConversationMessage(
            .tool,
            parts: [.toolResult(ToolResultPart(callID: "c1", content: [.text("7")], isPlain: true, isError: true))])
        message.name = "f"
        message.templateMembers = ["role": "user", "extra": true]
        #expect(
            message.templateForm == [
                "role": "tool", "name": "f", "content": "7", "tool_call_id": "c1", "extra": true,
            ])
    }

    @Test func aToolsTemplateFormIsComplete() {
        let tool = ConversationTools.Tool(name: "f", description: "d", parameters: ["$comment": "none"])
        #expect(
            tool.templateForm == [
                "type": "function",
                "function": [
                    "name": "f", "description": "d",
                    "parameters": ["$comment": "none", "type": "object", "properties": [:]],
                ],
            ])
        #expect(tool.parameters == ["$comment": "none"])
    }
}
