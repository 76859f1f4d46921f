import type { Message, MessageActions, MessageState } from "./types";

const running: ReadonlySet<MessageState> = new Set<MessageState>([
    "sending",
    "queued",
    "loading",
    "prompting",
    "reasoning",
    "answering",
    "tool",
    "paused",
    "stopping",
]);

/** Whether the answer is being written, or waits for that. */
export function isRunning(state: MessageState): boolean {
    return running.has(state);
}

/** Whether the user waits for the answer: a stopping answer does not keep the text box from sending. */
export function isBusy(state: MessageState): boolean {
    return running.has(state) && state !== "stopping";
}

/**
 * The buttons of a message, as a function of its state alone.
 *
 * - `isLast`: no message follows it in the visible branch.
 */
export function actionsOf(message: Message, isLast: boolean): MessageActions {
    const { role, state } = message;
    const isAnswer = role === "assistant";
    const runs = isRunning(state);
    const writes = state === "reasoning" || state === "answering" || state === "tool" || state === "paused";
    const isCut = state === "stopped" || state === "interrupted" || state === "failed";
    const hasText = message.text !== "" || message.reasoning !== "";
    return {
        stop: runs && state !== "stopping",
        skipThinking: state === "reasoning",
        pause: writes && state !== "paused",
        resume: state === "paused",
        retune: writes,
        rewind: writes,
        inject: writes,
        forkRunning: writes,
        continue: isAnswer && isLast && hasText && (isCut || (state === "done" && message.finishReason === "length")),
        regenerate: isAnswer && !runs,
        edit: !runs,
        remove: !runs,
        branch: !runs,
    };
}
