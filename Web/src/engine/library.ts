import { isRunning } from "./actions";
import { write } from "./database";
import type { Operation, StoredRecord } from "./database";
import { newID } from "./environment";
import type { Parts } from "./parts";
import { newMessage } from "./records";
import type { StoredBlob } from "./requests";
import { chosenAlong, MessageTree } from "./tree";
import type {
    Attachment, Conversation, ConversationID, Draft, Message, MessageID,
} from "./types";
import { words } from "./words";

/** How long a removal can be undone. */
const undoTime = 10_000;
/** Larger text files are cut: no model reads them, and each request would carry them. */
const maximumText = 4 * 1024 * 1024;

/** The commands on conversations and messages that need no answer. */
export class Library {
    private readonly draftTimers = new Map<ConversationID, { cancel: () => void; draft: Draft }>();

    constructor(private readonly parts: Parts) {}

    private tree(id: ConversationID): MessageTree {
        return new MessageTree(this.parts.store.messages(id));
    }

    /** `isTemporary`: nothing of it is stored; it ends with the page. */
    async createConversation(isTemporary = false): Promise<ConversationID> {
        const { environment, store } = this.parts;
        const now = environment.clock.now();
        const conversation: Conversation = {
            id: newID(environment),
            title: words.untitled,
            isTitleManual: false,
            createdAt: now,
            updatedAt: now,
            isPinned: false,
            model: null,
            overrides: {},
            leaf: null,
            chosen: {},
            origin: null,
            isUnread: false,
            ...(isTemporary ? { isTemporary } : {}),
        };
        store.threads.set(conversation.id, new Map());
        await store.put(["conversations", conversation]);
        return conversation.id;
    }

    /** Stores a temporary conversation; a running answer goes on. */
    async keepConversation(id: ConversationID): Promise<void> {
        const { store, answers } = this.parts;
        const conversation = store.conversations.get(id);
        if (conversation?.isTemporary !== true) return;
        const messages = [...store.messages(id)];
        const { isTemporary: _, ...kept } = conversation;
        await store.commit([], () => [
            { put: ["conversations", kept] },
            ...messages.map(one => ({ put: ["messages", one] as const })),
            ...messages.filter(one => isRunning(one.state)).map(one => ({ put: ["leases", answers.record(one)] as const })),
            ...store.queueOf(id).map(queued => ({ put: ["queue", queued] as const })),
        ]);
    }

    /** Removes a temporary conversation without a message, when the user has left it. */
    async removeIfUnused(id: ConversationID): Promise<void> {
        const { store } = this.parts;
        const conversation = store.conversations.get(id);
        if (conversation?.isTemporary !== true || conversation.leaf !== null || [...store.messages(id)].length > 0) return;
        await store.commit([], () => [{ remove: ["conversations", id] }, { remove: ["drafts", id] }]);
    }

    /** Changes a conversation; the stored record is read in the same transaction. */
    async change(id: ConversationID, edit: (conversation: Conversation) => Conversation): Promise<void> {
        await this.parts.store.commit([["conversations", id]], ([stored]) => {
            const conversation = (stored as Conversation | undefined) ?? this.parts.store.conversations.get(id);
            return conversation ? [{ put: ["conversations", edit(conversation)] }] : null;
        });
    }

    async rename(id: ConversationID, title: string): Promise<void> {
        const text = title.trim();
        if (text === "") return;
        await this.change(id, conversation => ({ ...conversation, title: text, isTitleManual: true }));
    }

    async setSystemPrompt(id: ConversationID, text: string): Promise<void> {
        const { store, environment } = this.parts;
        await store.load(id);
        const conversation = store.conversations.get(id);
        if (!conversation) return;
        const tree = this.tree(id);
        const path = tree.path(tree.leaf(conversation));
        const old = path[0]?.role === "system" ? path[0] : null;
        if (old) {
            const next: Message = { ...old, text, revision: old.revision + 1 };
            await store.put(["messages", next]);
            return;
        }
        if (text.trim() === "") return;
        const system = newMessage({
            id: newID(environment), conversation: id, parent: null, role: "system",
            createdAt: conversation.createdAt - 1, text,
        });
        const roots = tree.children(null).map(root => tree.get(root)).filter((one): one is Message => one !== undefined);
        await store.commit([], () => [
            { put: ["messages", system] },
            ...roots.map(root => ({ put: ["messages", { ...root, parent: system.id }] as const })),
            { put: ["conversations", {
                ...conversation,
                leaf: conversation.leaf ?? system.id,
                chosen: { ...conversation.chosen, [system.id]: conversation.chosen[""] ?? roots[0]?.id ?? "", "": system.id },
            } as StoredRecord] },
        ]);
    }

    async removeConversations(ids: readonly ConversationID[]): Promise<void> {
        const { store, answers, notices } = this.parts;
        const removed: Operation[] = [];
        const operations: Operation[] = [];
        for (const id of ids) {
            const conversation = store.conversations.get(id);
            if (!conversation) continue;
            await store.load(id);
            await this.stopAll(id);
            removed.push({ put: ["conversations", conversation] });
            operations.push({ remove: ["conversations", id] }, { remove: ["drafts", id] });
            for (const one of store.messages(id)) {
                removed.push({ put: ["messages", settled(one)] });
                operations.push({ remove: ["messages", one.id] }, { remove: ["leases", one.id] });
                answers.discard(one.id);
            }
            for (const queued of store.queueOf(id)) {
                removed.push({ put: ["queue", queued] });
                operations.push({ remove: ["queue", queued.id] });
            }
        }
        if (operations.length === 0) return;
        await store.commit([], () => operations);
        this.collect(removed.flatMap(one => ("put" in one && one.put[0] === "messages" ? [one.put[1] as Message] : [])));
        const count = removed.filter(operation => "put" in operation && operation.put[0] === "conversations").length;
        notices.show("info", words.removedConversations(count), {
            label: words.undo,
            run: () => {
                // The map must exist before the messages arrive in it.
                for (const id of ids) store.threads.set(id, new Map());
                void store.commit([], () => removed);
            },
        }, undoTime);
    }

    /**
     * Removes the bytes of attachments that no message, draft or queued message names any more, once a removal cannot be
     * undone. Branches of a conversation share attachments.
     */
    private collect(removed: readonly Message[]): void {
        const ids = removed.flatMap(one => one.attachments).filter(one => one.kind !== "text").map(one => one.id);
        if (ids.length === 0) return;
        this.parts.environment.clock.after(undoTime + 1_000, () => void this.removeBlobs(ids));
    }

    private async removeBlobs(ids: readonly string[]): Promise<void> {
        const { database } = this.parts.store;
        try {
            const named = new Set<string>();
            for (const store of ["messages", "drafts", "queue"] as const) {
                for (const record of await database.all<StoredRecord & Pick<Draft, "attachments">>(store)) {
                    for (const attachment of record.attachments) named.add(attachment.id);
                }
            }
            await write(database, ids.filter(id => !named.has(id)).map(id => ({ remove: ["blobs", id] })));
        } catch (problem) {
            this.parts.store.report(problem);
        }
    }

    private async stopAll(id: ConversationID): Promise<void> {
        for (const one of this.parts.store.messages(id)) if (isRunning(one.state)) this.parts.answers.stop(one.id);
    }

    async branch(id: MessageID, withAttachments: boolean, title?: string): Promise<ConversationID> {
        const { store, environment } = this.parts;
        const source = store.message(id);
        const origin = source && store.conversations.get(source.conversation);
        if (!source || !origin) return this.createConversation();
        const path = this.tree(origin.id).path(id);
        const conversation = newID(environment);
        const now = environment.clock.now();
        const copies: Message[] = [];
        for (const one of path) {
            copies.push({
                ...settled(one),
                id: newID(environment),
                conversation,
                parent: copies.length > 0 ? copies[copies.length - 1].id : null,
                attachments: withAttachments ? one.attachments : [],
                stream: null,
            });
        }
        const copy: Conversation = {
            ...origin,
            id: conversation,
            title: title?.trim() || words.copyOf(origin.title),
            isTitleManual: true,
            createdAt: now,
            updatedAt: now,
            isPinned: false,
            leaf: copies[copies.length - 1]?.id ?? null,
            chosen: chosenAlong(copies, {}),
            origin: { conversation: origin.id, message: id },
            isUnread: false,
        };
        store.threads.set(conversation, new Map());
        await store.put(["conversations", copy], ...copies.map(one => ["messages", one] as const));
        return conversation;
    }

    // --- Messages --------------------------------------------------------------------------------------------------------

    async editInPlace(id: MessageID, text: string): Promise<void> {
        await this.parts.store.commit([["messages", id]], ([stored]) => {
            const before = (stored as Message | undefined) ?? this.parts.store.message(id);
            if (!before || isRunning(before.state)) return null;
            const editedAt = this.parts.environment.clock.now();
            return [{ put: ["messages", { ...before, text, probabilities: [], editedAt, revision: before.revision + 1 } as Message] }];
        });
    }

    /** A sibling of an answer with another text; everything below the old one stays there. */
    async addVersion(old: Message, text: string): Promise<void> {
        const { store, environment } = this.parts;
        const conversation = store.conversations.get(old.conversation);
        if (!conversation) return;
        const version: Message = {
            ...settled(old), id: newID(environment), createdAt: environment.clock.now(), text, probabilities: [], stream: null,
        };
        const path = [...this.tree(conversation.id).path(old.parent), version];
        await store.put(
            ["messages", version],
            ["conversations", { ...conversation, leaf: version.id, chosen: chosenAlong(path, conversation.chosen) } as Conversation],
        );
    }

    async selectVersion(id: MessageID): Promise<void> {
        const one = this.parts.store.message(id);
        if (!one) return;
        const tree = this.tree(one.conversation);
        await this.change(one.conversation, conversation => {
            const leaf = tree.leafBelow(id, conversation.chosen);
            return { ...conversation, leaf, chosen: chosenAlong(tree.path(leaf), conversation.chosen) };
        });
    }

    removalSize(id: MessageID): number {
        const one = this.parts.store.message(id);
        return one ? this.tree(one.conversation).subtree(id).length : 0;
    }

    async remove(id: MessageID): Promise<void> {
        const { store, answers, notices } = this.parts;
        const one = store.message(id);
        const conversation = one && store.conversations.get(one.conversation);
        if (!one || !conversation) return;
        const tree = this.tree(conversation.id);
        const ids = tree.subtree(id);
        const messages = ids.map(found => tree.get(found)).filter((found): found is Message => found !== undefined);
        for (const found of messages) {
            if (isRunning(found.state)) answers.stop(found.id);
            answers.discard(found.id);
        }
        const leaf = tree.leafWithout(id, conversation);
        const next: Conversation = { ...conversation, leaf, chosen: chosenAlong(tree.path(leaf), conversation.chosen) };
        await store.commit([], () => [
            { put: ["conversations", next] },
            ...ids.map(found => ({ remove: ["messages", found] as const })),
            ...ids.map(found => ({ remove: ["leases", found] as const })),
        ]);
        this.collect(messages);
        notices.show("info", words.removedMessages(ids.length), {
            label: words.undo,
            run: () => {
                void store.put(
                    ...messages.map(found => ["messages", settled(found)] as const),
                    ["conversations", { ...conversation, updatedAt: this.parts.environment.clock.now() } as Conversation],
                );
            },
        }, undoTime);
    }

    // --- Drafts and attachments ------------------------------------------------------------------------------------------

    async draft(id: ConversationID): Promise<Draft> {
        const waiting = this.draftTimers.get(id);
        if (waiting) return waiting.draft;
        const stored = await this.parts.store.database.get<Draft & StoredRecord>("drafts", id).catch(() => undefined);
        return { text: stored?.text ?? "", attachments: stored?.attachments ?? [] };
    }

    saveDraft(id: ConversationID, draft: Draft): void {
        this.draftTimers.get(id)?.cancel();
        const cancel = this.parts.environment.clock.after(300, () => void this.flushDraft(id));
        this.draftTimers.set(id, { cancel, draft });
    }

    private async flushDraft(id: ConversationID): Promise<void> {
        const waiting = this.draftTimers.get(id);
        if (!waiting) return;
        waiting.cancel();
        this.draftTimers.delete(id);
        const isEmpty = waiting.draft.text === "" && waiting.draft.attachments.length === 0;
        const record: Draft & StoredRecord = { id, ...waiting.draft };
        const operation: Operation = isEmpty ? { remove: ["drafts", id] } : { put: ["drafts", record] };
        await write(this.parts.store.database, [operation]).catch(problem => this.parts.store.report(problem));
    }

    /** Saves all drafts, as before the page disappears. */
    async flushDrafts(): Promise<void> {
        await Promise.all([...this.draftTimers.keys()].map(id => this.flushDraft(id)));
    }

    async attach(file: Blob, name: string): Promise<Attachment> {
        const { environment, store } = this.parts;
        const id = newID(environment);
        const mimeType = file.type || "application/octet-stream";
        const kind = mimeType.startsWith("image/") && mimeType !== "image/svg+xml" ? "image"
            : mimeType.startsWith("audio/") ? "audio" : null;
        if (kind === null) {
            const text = await textOf(file);
            if (text !== null) return { id, name, mimeType: "text/plain", kind: "text", size: file.size, text };
        }
        const attachment: Attachment = { id, name, mimeType, kind: kind ?? "other", size: file.size, text: null };
        const record: StoredBlob = { id, blob: file };
        await store.commit([], () => [{ put: ["blobs", record] }]);
        return attachment;
    }
}

/** A copy of a message that no tab writes any more. */
function settled(one: Message): Message {
    return isRunning(one.state) ? { ...one, state: "stopped", revision: one.revision + 1 } : one;
}

/** The text of a file, or null if its bytes are no text. */
async function textOf(file: Blob): Promise<string | null> {
    if (file.size > maximumText) return null;
    try {
        const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
        return text.includes("\0") ? null : text;
    } catch {
        return null;
    }
}
