import type { Parts } from "./parts";
import type { InjectTime, JSONValue, Message, MessageID, Retune } from "./types";
import { words } from "./words";
import type { Writing } from "./writing";

/**
 * The commands that change a running answer. The effect arrives in the stream of the answer, so every tab that shows it
 * sees the same; here only refusals become a notice.
 */
export class Steering {
    constructor(private readonly parts: Parts, private readonly writing: Writing) {}

    /** Sends a command. Returns the reply, or null with a notice. */
    private async command(
        id: MessageID,
        command: { [name: string]: JSONValue },
        harmless: readonly string[] = [],
    ): Promise<{ [name: string]: JSONValue } | null> {
        const { answers, notices, store } = this.parts;
        const generation = store.message(id)?.stream?.generation;
        if (!generation) return null;
        const reply = await answers.control(generation, command);
        if (reply.kind === "ok") return (reply.body ?? {}) as { [name: string]: JSONValue };
        if (reply.kind === "lost") {
            notices.show("error", words.lost);
            return null;
        }
        // The answer may have ended while the command was on its way.
        const isHarmless = reply.failure.status === 409 && harmless.length > 0;
        if (!isHarmless) notices.show("error", words.commandFailed(reply.failure.message));
        return null;
    }

    async skipThinking(id: MessageID): Promise<void> {
        const { answers } = this.parts;
        answers.setSkipping(id, true);
        // "Already answering" is what the user wants.
        const reply = await this.command(id, { action: "reasoning_end" }, ["already_answering", "finished"]);
        if (reply === null) answers.setSkipping(id, false);
    }

    async pause(id: MessageID): Promise<void> {
        await this.command(id, { action: "pause" }, ["already_paused"]);
    }

    async resume(id: MessageID): Promise<void> {
        await this.command(id, { action: "resume" }, ["not_paused"]);
    }

    async retune(id: MessageID, changes: Retune): Promise<void> {
        const values: { [name: string]: JSONValue } = {};
        for (const [name, value] of Object.entries(changes)) if (value !== undefined) values[name] = value;
        await this.command(id, { action: "set", changes: values });
    }

    async rewind(id: MessageID, keepText: string): Promise<void> {
        await this.rewindAndEdit(id, keepText, "");
    }

    /** The commands run while the answer is paused, so that no token enters between them. */
    async rewindAndEdit(id: MessageID, keepText: string, insertText: string): Promise<void> {
        const wasPaused = this.parts.store.message(id)?.state === "paused";
        if (!wasPaused && (await this.command(id, { action: "pause" })) === null) return;
        const before = this.parts.store.message(id);
        const reply = await this.command(id, { action: "rewind", to_text: keepText });
        if (reply !== null) {
            const content = cutAway(before, keepText, reply.content_bytes) + insertText;
            if (content !== "") await this.command(id, { action: "inject", content, when: "now" });
        }
        if (!wasPaused) await this.command(id, { action: "resume" });
    }

    async inject(id: MessageID, text: string, when: InjectTime, role: "assistant" | "user"): Promise<void> {
        // Without a role the text is the model's own.
        const roleField: { [name: string]: JSONValue } = role === "user" ? { role } : {};
        await this.command(id, { action: "inject", content: text, when, ...roleField });
    }

    async forkRunning(id: MessageID, count: number): Promise<void> {
        const message: Message | undefined = this.parts.store.message(id);
        const reply = await this.command(id, { action: "fork", n: count });
        const ids = reply?.ids;
        if (!message || !Array.isArray(ids)) return;
        await this.writing.addForks(message, ids.filter((one): one is string => typeof one === "string"));
    }
}

/**
 * The end of the kept text that a rewind removed, because the server cuts between tokens.
 *
 * Example: the text is "by the sea" and `keepText` "by t". The server keeps "by", so " t" must be written again.
 */
export function cutAway(message: Message | undefined, keepText: string, keptBytes: JSONValue | undefined): string {
    if (!message || typeof keptBytes !== "number") return "";
    const written = message.text.slice(message.stream?.baseText ?? 0);
    const place = written.lastIndexOf(keepText);
    if (place < 0) return "";
    const wanted = new TextEncoder().encode(written.slice(0, place + keepText.length));
    return new TextDecoder().decode(wanted.slice(Math.min(keptBytes, wanted.length)));
}
