import type { Parts } from "./parts";
import { browserSettings } from "./parts";
import { MessageTree } from "./tree";
import type { Conversation, ConversationID, JSONValue, Message } from "./types";
import { titleFrom } from "./writing";

/** The time in which the user may go on before the model writes a title. */
const patience = 1_000;
const longest = 80;
/** The characters of a message that a title needs. */
const enough = 2_000;

/**
 * Titles that the model writes after the first answer of a conversation.
 *
 * The question for a title follows the conversation's own messages, so that the server reads a few new tokens only. It is
 * asked once, in the tab that read the answer, and given up when the user sends something meanwhile: an answer is worth
 * more than a title. A title that the user wrote is never replaced.
 */
export class Titles {
    private cancel: (() => void) | null = null;
    private controller: AbortController | null = null;

    constructor(
        private readonly parts: Parts,
        private readonly setTitle: (id: ConversationID, decide: (conversation: Conversation) => Conversation) => Promise<void>,
    ) {}

    /** An answer has ended: asks for a title if it was the first one. */
    answerEnded(message: Message): void {
        if (message.state !== "done" || !this.isWanted(message.conversation)) return;
        this.yield();
        this.cancel = this.parts.environment.clock.after(patience, () => void this.ask(message));
    }

    /** The user has sent something: the server shall answer that. */
    yield(): void {
        this.cancel?.();
        this.cancel = null;
        this.controller?.abort();
        this.controller = null;
    }

    /** Whether a conversation has one question, its answer, and the first line as its title. */
    private isWanted(id: ConversationID): boolean {
        const { store, settings } = this.parts;
        const conversation = store.conversations.get(id);
        if (!conversation || conversation.isTitleManual) return false;
        if (settings.value(browserSettings(store), null, "modelTitles") !== true) return false;
        const questions = this.path(conversation).filter(one => one.role === "user");
        return questions.length === 1 && conversation.title === titleFrom(questions[0].text, questions[0].attachments);
    }

    private path(conversation: Conversation): readonly Message[] {
        const tree = new MessageTree(this.parts.store.messages(conversation.id));
        return tree.path(tree.leaf(conversation));
    }

    private async ask(message: Message): Promise<void> {
        this.cancel = null;
        const { api, store } = this.parts;
        const before = store.conversations.get(message.conversation);
        if (!before || !this.isWanted(message.conversation)) return;
        const messages: JSONValue[] = this.path(before)
            .filter(one => one.role === "user" || one.role === "assistant" || one.role === "system")
            .filter(one => one.text !== "")
            .map(one => ({ role: one.role, content: one.text.slice(0, enough) }));
        messages.push({ role: "user", content: "Write a title of at most six words for this conversation. Write the title only." });
        const controller = new AbortController();
        this.controller = controller;
        const body: { [name: string]: JSONValue } = {
            messages, max_tokens: 24, temperature: 0.2, stream: false, reasoning_budget_tokens: 0,
            chat_template_kwargs: { enable_thinking: false },
        };
        if (message.model !== null) body.model = message.model;
        const reply = await api.request("POST", "v1/chat/completions", body, 60_000, controller.signal);
        if (this.controller === controller) this.controller = null;
        if (reply.kind !== "ok") return;
        const choice = (reply.body as { choices?: readonly { message?: { content?: unknown } }[] } | undefined)?.choices?.[0];
        const title = cleanTitle(choice?.message?.content);
        if (title === null) return;
        // The user may have renamed the conversation meanwhile, here or in another tab.
        await this.setTitle(message.conversation, conversation =>
            conversation.isTitleManual || conversation.title !== before.title ? conversation : { ...conversation, title },
        );
    }
}

/** A title as a model writes it, without quotes, markup and a label; null if the text is none. */
export function cleanTitle(content: unknown): string | null {
    if (typeof content !== "string") return null;
    const line = content.trim().split("\n", 1)[0] ?? "";
    const title = line
        .replace(/^[\s#>*_`"'“”„«»-]+|[\s*_`"'“”«».]+$/gu, "")
        .replace(/^title\s*:\s*/i, "")
        .replace(/^[\s*_`"'“”„«»-]+/u, "")
        .replace(/\s+/g, " ");
    const hasLetters = /[\p{L}\p{N}]/u.test(title);
    return hasLetters && title.length <= longest ? title : null;
}
