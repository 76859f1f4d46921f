import type { Operation } from "./database";
import type { Environment } from "./environment";
import type { Message } from "./types";

/**
 * What the tabs of a browser say to each other.
 *
 * - `records`: committed changes.
 * - `text`: streamed text of a running answer. `message` has an empty text and reasoning; the pieces begin at `from`.
 *   `removals` = how often text was removed; with another number than before the pieces begin at 0.
 * - `who`, `here`: a tab asks which tab reads an answer; silence means that the reader is gone.
 * - `want`: a tab lacks the beginning of a text.
 * - `stop`, `skip`: the reader's tab shows the command at once.
 */
export type TabMessage =
    | { readonly kind: "records"; readonly operations: readonly Operation[] }
    | {
          readonly kind: "text";
          readonly message: Message;
          readonly text: { readonly from: number; readonly piece: string };
          readonly reasoning: { readonly from: number; readonly piece: string };
          readonly removals: number;
      }
    | { readonly kind: "who" | "here" | "want" | "stop" | "skip"; readonly id: string };

/** Sends and receives the messages of the tabs. */
export class TabSync {
    receive: (message: TabMessage) => void = () => {};
    /** What the other tabs have of each running answer. */
    private readonly sent = new Map<string, { text: number; reasoning: number; removals: number }>();

    constructor(private readonly environment: Environment) {
        environment.channel.onMessage(message => {
            const kind = (message as { kind?: unknown } | null)?.kind;
            if (typeof kind === "string") this.receive(message as TabMessage);
        });
    }

    post(message: TabMessage): void {
        this.environment.channel.post(message);
    }

    /** Sends what the other tabs lack of a text. */
    share(message: Message, removals: number): void {
        const known = this.sent.get(message.id);
        const isContinued = known !== undefined && known.removals === removals;
        const from = isContinued ? known : { text: 0, reasoning: 0 };
        this.sent.set(message.id, { text: message.text.length, reasoning: message.reasoning.length, removals });
        this.post({
            kind: "text",
            message: { ...message, text: "", reasoning: "", probabilities: [] },
            text: { from: from.text, piece: message.text.slice(from.text) },
            reasoning: { from: from.reasoning, piece: message.reasoning.slice(from.reasoning) },
            removals,
        });
    }

    /** The next `share` of an answer has the whole text. */
    forget(id: string): void {
        this.sent.delete(id);
    }

    close(): void {
        this.environment.channel.close();
    }
}

/** The message that `before` becomes by a piece of text, or null if its beginning is missing here. */
export function joined(before: Message | undefined, shared: Extract<TabMessage, { kind: "text" }>): Message | null {
    const text = before?.text ?? "";
    const reasoning = before?.reasoning ?? "";
    const isSameStream = before?.stream?.label === shared.message.stream?.label;
    const isWhole = shared.text.from === 0 && shared.reasoning.from === 0;
    if (!isWhole && (!isSameStream || text.length < shared.text.from || reasoning.length < shared.reasoning.from)) {
        return null;
    }
    return {
        ...shared.message,
        text: text.slice(0, shared.text.from) + shared.text.piece,
        reasoning: reasoning.slice(0, shared.reasoning.from) + shared.reasoning.piece,
        probabilities: before?.probabilities ?? [],
    };
}
