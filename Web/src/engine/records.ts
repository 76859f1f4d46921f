import type { Message } from "./types";

/** A message that has ended, without anything but the given members. */
export function newMessage(
    members: Partial<Message> & Pick<Message, "id" | "conversation" | "parent" | "role" | "createdAt" | "text">,
): Message {
    return {
        reasoning: "",
        toolCalls: [],
        toolCallID: null,
        attachments: [],
        model: null,
        state: "done",
        finishReason: null,
        failure: null,
        statistics: null,
        probabilities: [],
        isReasoningSkipped: false,
        warnings: [],
        options: {},
        isStructured: false,
        stream: null,
        revision: 0,
        ...members,
    };
}
