import { isRunning } from "../actions";
import type { Database, Operation, StoredRecord } from "../database";
import type { Parts } from "../parts";
import type { Conversation, ConversationID, JSONValue, Message, MessageID } from "../types";
import { words } from "../words";
import { ChatFiles, nameRule } from "./files";
import { baseOf, documentFrom, hasChanged, hasNews, merged } from "./merge";
import type { Base, ChatDocument } from "./merge";

/** The time between two looks at the server's list while the page is visible. */
const interval = 5_000;
/** The time for which changes are collected before they are written. */
const settling = 1_000;
/** How often a write is repeated after another device was faster. */
const attempts = 4;

/** The base of a conversation in the storage, with the server's folder and key to which it belongs. */
export interface BaseRecord extends StoredRecord, Base {
    readonly tag: string;
    readonly store: string;
    readonly owner: string;
}

interface Listed {
    readonly store: string;
    readonly owner: string;
    readonly chats: ReadonlyMap<ConversationID, { readonly tag: string; readonly files: readonly string[] }>;
}

/**
 * Conversations on the server (`--history`), as decision 0189 describes it.
 *
 * A round reads the server's list, merges what other devices wrote, and writes what changed here. Rounds follow each other;
 * a failed one is repeated with the next. Every tab may run rounds: the server refuses the slower one of two writes.
 */
export class History {
    private readonly changed = new Set<ConversationID>();
    private list: Listed | null = null;
    private listTag: string | null = null;
    private isComplete = false;
    private isRunning = false;
    private isWanted = false;
    private isHidden = false;
    private isClosed = false;
    private cancel: () => void = () => {};
    /** When the next round begins; an earlier one is never put off. */
    private due = Infinity;
    /** The last seen revisions: text that streams changes none, and is written at its end. */
    private readonly revisions = new Map<MessageID, number>();
    /** Why chats are not written, in words; null = they are. */
    problem: string | null = null;

    readonly files: ChatFiles;

    constructor(private readonly parts: Parts, private readonly onChange: () => void) {
        this.files = new ChatFiles(parts);
    }

    private get database(): Database {
        return this.parts.store.database;
    }

    // --- When rounds run -------------------------------------------------------------------------------------------------

    start(): void {
        this.plan(0);
    }

    close(): void {
        this.isClosed = true;
        this.cancel();
    }

    setHidden(isHidden: boolean): void {
        const isShown = this.isHidden && !isHidden;
        this.isHidden = isHidden;
        if (isShown) this.plan(0);
    }

    /** Records changed here or in another tab. */
    recordsChanged(operations: readonly Operation[]): void {
        let isNews = false;
        for (const operation of operations) {
            const id = this.conversationOf(operation);
            if (id === null) continue;
            this.changed.add(id);
            isNews = true;
        }
        if (isNews) this.plan(settling);
    }

    private conversationOf(operation: Operation): ConversationID | null {
        if ("put" in operation) {
            const [store, record] = operation.put;
            if (store === "conversations") return record.id;
            if (store !== "messages") return null;
            const message = record as Message;
            const isStreamed = this.revisions.get(message.id) === message.revision;
            this.revisions.set(message.id, message.revision);
            return isStreamed ? null : message.conversation;
        }
        const [store, id] = operation.remove;
        if (store === "conversations") return id;
        if (store !== "messages") return null;
        // The message is gone; its conversation is looked for among all.
        this.isComplete = false;
        return null;
    }

    private plan(delay: number): void {
        if (this.isClosed) return;
        if (this.isRunning) {
            this.isWanted = true;
            return;
        }
        const { clock } = this.parts.environment;
        const due = clock.now() + delay;
        if (due >= this.due) return;
        this.due = due;
        this.cancel();
        this.cancel = clock.after(delay, () => void this.run());
    }

    private async run(): Promise<void> {
        this.due = Infinity;
        if (this.isHidden || this.isClosed) return;
        this.isRunning = true;
        this.isWanted = false;
        try {
            await this.round();
        } catch (problem) {
            this.setProblem(String(problem));
        }
        this.isRunning = false;
        this.plan(this.isWanted ? settling : interval);
    }

    private setProblem(problem: string | null): void {
        if (problem === this.problem) return;
        this.problem = problem;
        this.onChange();
    }

    // --- A round ---------------------------------------------------------------------------------------------------------

    private async round(): Promise<void> {
        const isNew = await this.readList();
        const { list } = this;
        if (list === null || (!isNew && this.isComplete && this.changed.size === 0)) return;
        const bases = new Map<ConversationID, BaseRecord>();
        for (const record of await this.database.all<BaseRecord>("bases")) {
            // Another folder of the same user lost its chats, and gets them again. Those of another user stay where they are.
            if (record.owner === list.owner && record.store !== list.store) await this.forget(record.id);
            else bases.set(record.id, record);
        }
        if (!this.isComplete) await this.findChanges(bases);
        const isOurs = (id: ConversationID): boolean => (bases.get(id)?.owner ?? list.owner) === list.owner;
        let problem: string | null = null;
        for (const [id, entry] of list.chats) {
            if (!isOurs(id) || bases.get(id)?.tag === entry.tag) continue;
            if (bases.has(id) && !this.parts.store.conversations.has(id)) continue;
            await this.pull(id, list);
        }
        for (const [id, base] of bases) {
            if (!isOurs(id)) continue;
            if (!this.parts.store.conversations.has(id)) await this.removeThere(id, base);
            else if (!list.chats.has(id)) await this.removedThere(id, base);
        }
        for (const id of [...this.changed]) {
            if (this.isClosed) return;
            if (!isOurs(id)) this.changed.delete(id);
            else problem = (await this.push(id, list)) ?? problem;
        }
        this.setProblem(problem);
    }

    /** Reads the list. False = it is the known one, or there is none. */
    private async readList(): Promise<boolean> {
        const fields: { [name: string]: string } = this.listTag === null ? {} : { "If-None-Match": this.listTag };
        const reply = await this.parts.api.request("GET", "v1/history", undefined, 30_000, undefined, fields);
        if (reply.kind !== "ok") {
            const isSame = reply.kind === "refused" && reply.failure.status === 304;
            if (!isSame) this.listTag = null;
            if (!isSame) this.list = null;
            return false;
        }
        const body = reply.body as { store?: string; owner?: string; data?: { id: string; etag: string; files?: string[] }[] };
        if (typeof body?.store !== "string" || typeof body.owner !== "string" || !Array.isArray(body.data)) return false;
        const isOther = this.list?.owner !== body.owner || this.list.store !== body.store;
        this.list = {
            store: body.store,
            owner: body.owner,
            chats: new Map(body.data.map(entry => [entry.id, { tag: entry.etag, files: entry.files ?? [] }])),
        };
        this.listTag = reply.headers.get("ETag");
        // The key or the server's folder is another one: every conversation is compared again.
        if (isOther) this.isComplete = false;
        return true;
    }

    /** Compares every conversation with its base: once per page, as changes are recorded from then on. */
    private async findChanges(bases: ReadonlyMap<ConversationID, BaseRecord>): Promise<void> {
        this.isComplete = true;
        const messages = new Map<ConversationID, Message[]>();
        for (const message of await this.database.all<Message>("messages")) {
            const known = messages.get(message.conversation);
            if (known) known.push(message);
            else messages.set(message.conversation, [message]);
        }
        for (const conversation of this.parts.store.conversations.values()) {
            const base = bases.get(conversation.id);
            const document: ChatDocument = { version: 1, conversation, messages: messages.get(conversation.id) ?? [] };
            if (!base || hasChanged(base, document)) this.changed.add(conversation.id);
        }
    }

    private forget(id: ConversationID): Promise<unknown> {
        return this.parts.store.commit([], () => [{ remove: ["bases", id] }]);
    }

    /** A conversation was removed here: it goes on the server, too, unless another device has changed it since. */
    private async removeThere(id: ConversationID, base: BaseRecord): Promise<void> {
        let { tag } = base;
        for (let attempt = 0; attempt < attempts; attempt += 1) {
            const fields = { "If-Match": `"${tag}"` };
            const reply = await this.parts.api.request("DELETE", "v1/history/" + id, undefined, 30_000, undefined, fields);
            const status = reply.kind === "refused" ? reply.failure.status : 0;
            if (reply.kind !== "ok" && status !== 404 && status !== 412) return;
            const found = status === 412 ? await this.readChat(id) : null;
            if (found && !hasNews(base, found.document)) {
                tag = found.tag;
                continue;
            }
            this.changed.delete(id);
            // Without the base the next round reads a changed conversation again.
            await this.forget(id);
            this.listTag = null;
            this.isWanted = true;
            return;
        }
    }

    /** A conversation was removed on another device: it goes here, too, unless it has changed since. */
    private async removedThere(id: ConversationID, base: BaseRecord): Promise<void> {
        const { store, answers } = this.parts;
        const document = await this.document(id);
        if (!document || hasNews(base, document)) {
            await this.forget(id);
            this.changed.add(id);
            return;
        }
        for (const message of document.messages) answers.discard(message.id);
        await store.commit([], () => [
            { remove: ["conversations", id] },
            { remove: ["drafts", id] },
            { remove: ["bases", id] },
            ...document.messages.flatMap(one => [{ remove: ["messages", one.id] as const }, { remove: ["leases", one.id] as const }]),
        ]);
        this.changed.delete(id);
    }

    private async document(id: ConversationID): Promise<ChatDocument | null> {
        const conversation = this.parts.store.conversations.get(id);
        if (!conversation) return null;
        return { version: 1, conversation, messages: await this.database.among<Message>("messages", id) };
    }

    // --- Reading ---------------------------------------------------------------------------------------------------------

    /** A conversation of the server with its tag; null if it cannot be read. */
    private async readChat(id: ConversationID): Promise<{ readonly document: ChatDocument; readonly tag: string } | null> {
        const reply = await this.parts.api.request("GET", "v1/history/" + id, undefined, 60_000);
        if (reply.kind !== "ok") return null;
        const document = documentFrom(reply.body);
        const tag = /"([^"]*)"/.exec(reply.headers.get("ETag") ?? "")?.[1];
        return document !== null && tag !== undefined && document.conversation.id === id ? { document, tag } : null;
    }

    /** Reads a conversation and merges it with the one of this browser. False = it could not be read. */
    private async pull(id: ConversationID, list: Listed): Promise<boolean> {
        const { store, answers } = this.parts;
        const found = await this.readChat(id);
        if (found === null) return false;
        const { document: theirs, tag } = found;
        const known = (await this.database.among<Message>("messages", id)).map(one => one.id);
        const ids = [...new Set([...known, ...theirs.messages.map(one => one.id)])];
        const began: Message[] = [];
        let isDifferent = false;
        // A map must exist before messages arrive in it; a conversation that was never here is empty.
        if (!store.conversations.has(id)) store.threads.set(id, new Map());
        await store.commit(
            [["conversations", id], ["bases", id], ...ids.map(one => ["messages", one] as const)],
            ([stored, storedBase, ...records]) => {
                const conversation = stored as Conversation | undefined;
                const own = records.filter((one): one is StoredRecord => one !== undefined) as unknown as Message[];
                // The id of a message that belongs to another conversation here is not taken over.
                if (own.some(one => one.conversation !== id)) return null;
                const isOurs = (storedBase as BaseRecord | undefined)?.owner === list.owner;
                const base = isOurs ? (storedBase as BaseRecord) : null;
                const mine: ChatDocument = {
                    version: 1, conversation: conversation ?? { ...theirs.conversation, isUnread: false }, messages: own,
                };
                const result = conversation ? merged(base, mine, theirs) : { ...theirs, conversation: mine.conversation };
                isDifferent = hasChanged(baseOf(theirs), result);
                return this.operations(mine, result, { id, tag, store: list.store, owner: list.owner, ...baseOf(theirs) }, began);
            },
        );
        for (const message of began) await answers.goOn(message);
        if (isDifferent) this.changed.add(id);
        else this.changed.delete(id);
        void this.files.read(theirs);
        return true;
    }

    /** What turns `mine` into `result`. Running answers of other devices are added to `began`. */
    private operations(mine: ChatDocument, result: ChatDocument, base: BaseRecord, began: Message[]): Operation[] {
        const operations: Operation[] = [{ put: ["bases", base] }, { put: ["conversations", result.conversation] }];
        const own = new Map(mine.messages.map(one => [one.id, one]));
        for (const message of result.messages) {
            if (own.get(message.id) === message) continue;
            operations.push({ put: ["messages", message] });
            if (!isRunning(message.state)) continue;
            began.push(message);
            operations.push({ put: ["leases", this.parts.answers.record(message)] });
        }
        const kept = new Set(result.messages.map(one => one.id));
        for (const message of mine.messages) {
            if (kept.has(message.id)) continue;
            this.parts.answers.discard(message.id);
            operations.push({ remove: ["messages", message.id] }, { remove: ["leases", message.id] });
        }
        return operations;
    }

    // --- Writing ---------------------------------------------------------------------------------------------------------

    /** Writes a conversation. Returns why it could not be written, in words. */
    private async push(id: ConversationID, list: Listed): Promise<string | null> {
        for (let attempt = 0; attempt < attempts; attempt += 1) {
            this.changed.delete(id);
            const document = await this.document(id);
            const base = await this.database.get<BaseRecord>("bases", id);
            if (!document || document.conversation.isTemporary || document.messages.length === 0 || !nameRule.test(id)) return null;
            // Another device could not find the generation of an answer that is not accepted yet, and would ask again.
            const isSending = document.messages.some(one => isRunning(one.state) && !one.stream?.generation);
            if (isSending || (base && !hasChanged(base, document))) return null;
            const fields: { [name: string]: string } = base ? { "If-Match": `"${base.tag}"` } : { "If-None-Match": "*" };
            const sent = { ...document, conversation: { ...document.conversation, isUnread: false } };
            const body = sent as unknown as JSONValue;
            const reply = await this.parts.api.request("PUT", "v1/history/" + id, body, 120_000, undefined, fields);
            if (reply.kind === "ok") {
                const { etag } = reply.body as { etag: string };
                const record: BaseRecord = { id, tag: etag, store: list.store, owner: list.owner, ...baseOf(sent) };
                await this.parts.store.commit([], () => [{ put: ["bases", record] }]);
                await this.files.write(document, list.chats.get(id)?.files ?? []);
                return null;
            }
            if (reply.kind === "lost" || reply.failure.status !== 412) {
                this.changed.add(id);
                return reply.kind === "lost" ? this.problem : words.historyRefused(reply.failure.message);
            }
            if (!(await this.pull(id, list))) {
                // Gone on the server, or not readable: the next list decides.
                this.listTag = null;
                this.isWanted = true;
                return null;
            } else if (!this.changed.has(id)) {
                return null;
            }
        }
        return null;
    }
}
