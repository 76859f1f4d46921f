import { isBusy } from "./actions";
import type { Operation } from "./database";
import { newID } from "./environment";
import { browserSettings, modelOf } from "./parts";
import type { Parts } from "./parts";
import { newMessage } from "./records";
import { asksForJSON } from "./requests";
import { chosenAlong, MessageTree } from "./tree";
import type {
    Attachment, Conversation, ConversationID, Message, MessageID, QueuedMessage, SendOptions, SendProblem, SettingValues,
    StreamRecord,
} from "./types";
import { words } from "./words";

/** What begins an answer: where it stands, and its options. */
interface Beginning {
    readonly conversation: Conversation;
    readonly parent: MessageID | null;
    readonly overrides: SettingValues;
    readonly model: string | null;
}

/**
 * The commands that begin answers. A message, its answer, the answer's record and the place of the conversation are
 * stored in one transaction, before the request: whatever happens then, a later page goes on.
 */
export class Writing {
    constructor(private readonly parts: Parts) {}

    private tree(id: ConversationID): MessageTree {
        return new MessageTree(this.parts.store.messages(id));
    }

    /** The answer in the visible branch that the user waits for. */
    busyAnswer(id: ConversationID): Message | undefined {
        const conversation = this.parts.store.conversations.get(id);
        if (!conversation) return undefined;
        const tree = this.tree(id);
        return tree.path(tree.leaf(conversation)).find(message => isBusy(message.state));
    }

    sendProblem(id: ConversationID, options: SendOptions): SendProblem | null {
        const attachments = options.attachments ?? [];
        if (options.text.trim() === "" && attachments.length === 0) {
            return { reason: "empty", words: words.empty, alternatives: [] };
        }
        const { models } = this.parts;
        const name = modelOf(this.parts, this.parts.store.conversations.get(id));
        const model = models.find(name);
        const known = models.current.models;
        if (name !== null && !model && known.length > 0 && models.current.connection === "live") {
            return {
                reason: "modelMissing",
                words: words.modelMissing(name),
                alternatives: known.map(other => other.name),
            };
        }
        const needs = (kind: Attachment["kind"]): boolean => attachments.some(attachment => attachment.kind === kind);
        if (model && needs("image") && !model.canSee) {
            const alternatives = known.filter(other => other.canSee).map(other => other.name);
            return { reason: "cannotSee", words: words.cannotSee(model.name), alternatives };
        }
        if (model && needs("audio") && !model.canHear) {
            const alternatives = known.filter(other => other.canHear).map(other => other.name);
            return { reason: "cannotHear", words: words.cannotHear(model.name), alternatives };
        }
        return null;
    }

    async send(id: ConversationID, options: SendOptions): Promise<void> {
        const problem = this.sendProblem(id, options);
        if (problem) {
            this.parts.notices.show("error", problem.words);
            return;
        }
        await this.parts.store.load(id);
        if (this.busyAnswer(id)) {
            const queued: QueuedMessage = {
                id: newID(this.parts.environment),
                conversation: id,
                text: options.text,
                attachments: options.attachments ?? [],
                createdAt: this.parts.environment.clock.now(),
            };
            await this.parts.store.commit([], () => [{ put: ["queue", queued] }, { remove: ["drafts", id] }]);
            return;
        }
        await this.ask(id, options, null);
    }

    /** Stores a user's message with its answer, and begins the answer. `queued` = the queued message that it is. */
    private async ask(id: ConversationID, options: SendOptions, queued: QueuedMessage | null): Promise<void> {
        const { store, environment } = this.parts;
        let begun: Message | null = null;
        const keys: (readonly ["conversations" | "queue", string])[] = [["conversations", id]];
        if (queued) keys.push(["queue", queued.id]);
        await store.commit(keys, ([stored, claimed]) => {
            const conversation = (stored as Conversation | undefined) ?? store.conversations.get(id);
            // Of several tabs one finds the queued message; the others find it gone.
            if (!conversation || (queued && !claimed)) return null;
            const tree = this.tree(id);
            const operations: Operation[] = [];
            let parent = tree.leaf(conversation);
            const prompt = this.parts.settings.value(browserSettings(store), null, "systemPrompt");
            if (parent === null && typeof prompt === "string" && prompt.trim() !== "") {
                const system = this.written(conversation, null, "system", prompt, []);
                operations.push({ put: ["messages", system] });
                parent = system.id;
            }
            const question = this.written(conversation, parent, "user", options.text, options.attachments ?? []);
            const answer = this.answer({
                conversation,
                parent: question.id,
                overrides: options.overrides ?? {},
                model: modelOf(this.parts, conversation),
            });
            begun = answer;
            const isFirst = !conversation.isTitleManual && conversation.title === words.untitled;
            const path = [...tree.path(parent), question, answer];
            operations.push(
                { put: ["messages", question] },
                { put: ["messages", answer] },
                { put: ["leases", this.parts.answers.record(answer)] },
                put({
                    ...conversation,
                    title: isFirst ? titleFrom(options.text, options.attachments ?? []) : conversation.title,
                    updatedAt: environment.clock.now(),
                    leaf: answer.id,
                    chosen: chosenAlong(path, conversation.chosen),
                }),
                queued ? { remove: ["queue", queued.id] } : { remove: ["drafts", id] },
            );
            return operations;
        });
        if (begun) this.parts.answers.begin(begun, true);
    }

    private written(
        conversation: Conversation,
        parent: MessageID | null,
        role: "system" | "user" | "tool",
        text: string,
        attachments: readonly Attachment[],
    ): Message {
        const { environment } = this.parts;
        return newMessage({
            id: newID(environment),
            conversation: conversation.id,
            parent,
            role,
            createdAt: environment.clock.now(),
            text,
            attachments,
        });
    }

    /** The record of an answer that has not begun. */
    private answer({ conversation, parent, overrides, model }: Beginning): Message {
        const { environment, settings, store } = this.parts;
        const id = newID(environment);
        const options = settings.options(browserSettings(store), conversation.overrides, overrides);
        return newMessage({
            id,
            conversation: conversation.id,
            parent,
            role: "assistant",
            createdAt: environment.clock.now(),
            text: "",
            model,
            state: "sending",
            options,
            isStructured: asksForJSON(options),
            stream: streamRecord(`${conversation.id}.${id}.1`, null, environment.clock.now(), 0, 0),
        });
    }

    /** Stores an answer that has its place in the tree, makes it visible, and begins it. */
    private async begin(conversation: Conversation, answer: Message, more: readonly Operation[] = []): Promise<void> {
        const { store, environment } = this.parts;
        const path = [...this.tree(conversation.id).path(answer.parent), answer];
        await store.commit([], () => [
            ...more,
            { put: ["messages", answer] },
            { put: ["leases", this.parts.answers.record(answer)] },
            put({
                ...conversation,
                updatedAt: environment.clock.now(),
                leaf: answer.id,
                chosen: chosenAlong(path, conversation.chosen),
            }),
        ]);
        this.parts.answers.begin(answer, true);
    }

    async regenerate(id: MessageID, options: { model?: string; overrides?: SettingValues } = {}): Promise<void> {
        const message = this.parts.store.message(id);
        const conversation = message && this.parts.store.conversations.get(message.conversation);
        if (!message || !conversation || message.role !== "assistant" || isBusy(message.state)) return;
        const answer = this.answer({
            conversation,
            parent: message.parent,
            overrides: options.overrides ?? {},
            model: options.model ?? modelOf(this.parts, conversation),
        });
        await this.begin(conversation, answer);
    }

    /** Goes on behind the text of an answer that was stopped, interrupted or cut. */
    async continueAnswer(id: MessageID): Promise<void> {
        const { store, environment } = this.parts;
        const message = store.message(id);
        const conversation = message && store.conversations.get(message.conversation);
        if (!message || !conversation || message.role !== "assistant" || isBusy(message.state)) return;
        const number = Number(message.stream?.label.split(".").pop() ?? "1") || 1;
        const label = `${conversation.id}.${id}.${number + 1}`;
        const { clock } = environment;
        const answer: Message = {
            ...message,
            state: "sending",
            finishReason: null,
            failure: null,
            stream: streamRecord(label, null, clock.now(), message.text.length, message.reasoning.length),
            revision: message.revision + 1,
        };
        await this.begin(conversation, answer);
    }

    /** A sibling of a user's message, and an answer to it. */
    async editQuestion(message: Message, text: string): Promise<void> {
        const conversation = this.parts.store.conversations.get(message.conversation);
        if (!conversation) return;
        const question = this.written(conversation, message.parent, "user", text, message.attachments);
        const model = modelOf(this.parts, conversation);
        const answer = this.answer({ conversation, parent: question.id, overrides: {}, model });
        const chosen = chosenAlong([...this.tree(conversation.id).path(message.parent), question], conversation.chosen);
        await this.begin({ ...conversation, chosen }, answer, [{ put: ["messages", question] }]);
    }

    /** Stores the result of a tool; when every call of the answer has a result, the next answer begins. */
    async answerToolCall(id: MessageID, callID: string, text: string): Promise<void> {
        const { store } = this.parts;
        const message = store.message(id);
        const conversation = message && store.conversations.get(message.conversation);
        if (!message || !conversation || !message.toolCalls.some(call => call.id === callID)) return;
        const tree = this.tree(conversation.id);
        // Results form a chain below the answer, in the order in which they arrive.
        const results = tree.path(tree.leafBelow(id, conversation.chosen)).filter(one => one.role === "tool");
        const own = results.filter(one => message.toolCalls.some(call => call.id === one.toolCallID));
        if (own.some(one => one.toolCallID === callID)) return;
        const parent = own.length > 0 ? own[own.length - 1].id : id;
        const result: Message = { ...this.written(conversation, parent, "tool", text, []), toolCallID: callID };
        if (own.length + 1 < message.toolCalls.length) {
            const chosen = chosenAlong([...tree.path(parent), result], conversation.chosen);
            await store.commit([], () => [{ put: ["messages", result] }, put({ ...conversation, leaf: result.id, chosen })]);
            return;
        }
        const model = modelOf(this.parts, conversation);
        const answer = this.answer({ conversation, parent: result.id, overrides: {}, model });
        const chosen = chosenAlong([...tree.path(parent), result], conversation.chosen);
        await this.begin({ ...conversation, chosen }, answer, [{ put: ["messages", result] }]);
    }

    /** Answers that began with a copy of a running answer, as its siblings. */
    async addForks(message: Message, generations: readonly string[]): Promise<void> {
        const { store, environment } = this.parts;
        const stream = message.stream;
        if (!stream) return;
        const forks = generations.map(generation =>
            newMessage({
                id: newID(environment),
                conversation: message.conversation,
                parent: message.parent,
                role: "assistant",
                createdAt: environment.clock.now(),
                text: message.text.slice(0, stream.baseText),
                reasoning: message.reasoning.slice(0, stream.baseReasoning),
                model: message.model,
                state: "queued",
                options: message.options,
                isStructured: message.isStructured,
                stream: streamRecord(
                    "fork." + generation,
                    generation,
                    environment.clock.now(),
                    stream.baseText,
                    stream.baseReasoning,
                ),
            }),
        );
        await store.commit([], () =>
            forks.flatMap(fork => [
                { put: ["messages", fork] as const },
                { put: ["leases", this.parts.answers.record(fork)] as const },
            ]),
        );
        for (const fork of forks) this.parts.answers.begin(fork, false);
    }

    // --- The queue -----------------------------------------------------------------------------------------------------

    /** Sends the first queued message of a conversation if its last answer is complete. Every tab may call it. */
    async sendNext(id: ConversationID): Promise<void> {
        const { store } = this.parts;
        await store.load(id);
        const conversation = store.conversations.get(id);
        const [next] = store.queueOf(id);
        if (!conversation || !next || this.busyAnswer(id)) return;
        const tree = this.tree(id);
        const leaf = tree.get(tree.leaf(conversation) ?? "");
        // After a stop or a failure the user decides.
        if (leaf && leaf.role === "assistant" && leaf.state !== "done") return;
        await this.ask(id, { text: next.text, attachments: next.attachments }, next);
    }

    async sendQueuedNow(queuedID: string): Promise<void> {
        const { store, answers } = this.parts;
        const queued = store.queue.get(queuedID);
        if (!queued) return;
        await store.load(queued.conversation);
        const busy = this.busyAnswer(queued.conversation);
        if (busy) answers.stop(busy.id);
        await this.ask(queued.conversation, { text: queued.text, attachments: queued.attachments }, queued);
    }
}

/** The write of a conversation. */
function put(conversation: Conversation): Operation {
    return { put: ["conversations", conversation] };
}

function streamRecord(
    label: string,
    generation: string | null,
    startedAt: number,
    baseText: number,
    baseReasoning: number,
): StreamRecord {
    return { label, generation, cursor: null, startedAt, baseText, baseReasoning };
}

/** The first line of a message, at most 60 characters; a file's name for a message without text. */
export function titleFrom(text: string, attachments: readonly Attachment[]): string {
    const line = text.trim().split("\n", 1)[0].trim();
    if (line === "") return attachments[0]?.name ?? words.untitled;
    const letters = [...line];
    return letters.length <= 60 ? line : letters.slice(0, 59).join("") + "…";
}
