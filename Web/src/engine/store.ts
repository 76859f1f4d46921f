import { isRunning } from "./actions";
import { StorageProblem } from "./database";
import type { Database, Operation, StoredRecord, StoreName } from "./database";
import { compareCursors } from "./sse";
import { topics } from "./types";
import type { Conversation, ConversationID, Message, MessageID, QueuedMessage } from "./types";

/** A record of the store `values`: a named value of the browser. */
export interface StoredValue extends StoredRecord {
    readonly value: unknown;
}

/** Calls the listeners of topics, at most once per turn of the event loop. */
export class Topics {
    private readonly listeners = new Map<string, Set<() => void>>();
    private readonly changed = new Set<string>();
    private isScheduled = false;

    /**
     * - `later`: runs work after the current turn of the event loop.
     * - `onNotify`: called at once, so that a read in the same turn sees the change.
     */
    constructor(private readonly later: (work: () => void) => void, private readonly onNotify: (topic: string) => void) {}

    subscribe(topic: string, listener: () => void): () => void {
        const set = this.listeners.get(topic) ?? new Set();
        this.listeners.set(topic, set);
        set.add(listener);
        return () => {
            set.delete(listener);
            if (set.size === 0 && this.listeners.get(topic) === set) this.listeners.delete(topic);
        };
    }

    notify(topic: string): void {
        this.onNotify(topic);
        this.changed.add(topic);
        if (this.isScheduled) return;
        this.isScheduled = true;
        this.later(() => {
            this.isScheduled = false;
            const topics = [...this.changed];
            this.changed.clear();
            for (const name of topics) for (const listener of [...(this.listeners.get(name) ?? [])]) listener();
        });
    }
}

/**
 * The records of this tab: a cache over the database, written through.
 *
 * Each committed change reaches the other tabs by `onCommit`, and their changes arrive at `applyRemote`. When the storage
 * refuses a write, the change stays in memory, so that the page goes on, and `problem` tells the user.
 */
export class Store {
    readonly conversations = new Map<ConversationID, Conversation>();
    /** The messages of the loaded conversations. */
    readonly threads = new Map<ConversationID, Map<MessageID, Message>>();
    readonly queue = new Map<string, QueuedMessage>();
    readonly values = new Map<string, unknown>();
    /** The messages that are being written, of all conversations. */
    readonly running = new Map<MessageID, ConversationID>();
    problem: string | null = null;
    /** The conversation that the user sees; its messages are never forgotten. */
    visible: ConversationID | null = null;
    onCommit: (operations: readonly Operation[]) => void = () => {};

    private readonly loading = new Map<ConversationID, Promise<void>>();
    private readonly order: ConversationID[] = [];

    constructor(readonly database: Database, readonly topics: Topics) {}

    /** Reads what every page needs: the conversations, the queue, the values, and the running answers. */
    async start(): Promise<void> {
        // At once: each read is a round through the browser's storage process, and the first paint waits for all of them.
        const [conversations, queue, values] = await Promise.all([
            this.database.all<Conversation & StoredRecord>("conversations"),
            this.database.all<QueuedMessage>("queue"),
            this.database.all<StoredValue>("values"),
        ]);
        for (const conversation of conversations) this.conversations.set(conversation.id, conversation);
        for (const queued of queue) this.queue.set(queued.id, queued);
        for (const value of values) this.values.set(value.id, value.value);
        for (const name of ["conversations", "settings", "models"]) this.topics.notify(name);
    }

    /** Reads the messages of a conversation once. Later calls return at once. */
    load(id: ConversationID): Promise<void> {
        if (this.threads.has(id)) return Promise.resolve();
        const known = this.loading.get(id);
        if (known) return known;
        const work = this.database
            .among<Message>("messages", id)
            .then(messages => {
                // A change of another tab may have arrived meanwhile; it is in the database too.
                const map = new Map<MessageID, Message>();
                for (const message of messages) map.set(message.id, this.threads.get(id)?.get(message.id) ?? message);
                this.threads.set(id, map);
                for (const message of map.values()) this.track(message);
                this.trim(id);
            })
            .catch(problem => this.report(problem))
            .finally(() => {
                this.loading.delete(id);
                this.topics.notify(topics.thread(id));
            });
        this.loading.set(id, work);
        return work;
    }

    /** Forgets the messages of the conversations that were shown longest ago. */
    private trim(id: ConversationID): void {
        const place = this.order.indexOf(id);
        if (place >= 0) this.order.splice(place, 1);
        this.order.push(id);
        let excess = this.order.length - 6;
        for (const old of [...this.order]) {
            if (excess <= 0) break;
            if (old === id || old === this.visible || [...this.running.values()].includes(old)) continue;
            this.order.splice(this.order.indexOf(old), 1);
            this.threads.delete(old);
            // Its snapshot names messages that are gone; the next look reads them again.
            this.topics.notify(topics.thread(old));
            excess -= 1;
        }
    }

    message(id: MessageID): Message | undefined {
        for (const thread of this.threads.values()) {
            const message = thread.get(id);
            if (message) return message;
        }
        return undefined;
    }

    messages(id: ConversationID): Iterable<Message> {
        return this.threads.get(id)?.values() ?? [];
    }

    queueOf(id: ConversationID): QueuedMessage[] {
        return [...this.queue.values()]
            .filter(queued => queued.conversation === id)
            .sort((left, right) => (left.id < right.id ? -1 : 1));
    }

    /**
     * Decides and writes in one transaction of the database (`Database.change`), then changes the cache and the other
     * tabs. Returns the operations, or null if `decide` wrote nothing.
     */
    async commit(
        keys: readonly (readonly [StoreName, string])[],
        decide: (records: readonly (StoredRecord | undefined)[]) => readonly Operation[] | null,
    ): Promise<readonly Operation[] | null> {
        let operations: readonly Operation[] | null;
        try {
            operations = await this.database.change(keys, decide);
            // Memory in place of a storage takes every write, and stores none.
            if (this.problem !== null && this.database.isPersistent && operations !== null && operations.length > 0) this.setProblem(null);
        } catch (problem) {
            this.report(problem);
            operations = decide(keys.map(([store, id]) => this.cached(store, id)));
        }
        if (operations === null) return null;
        this.apply(operations);
        this.onCommit(operations);
        return operations;
    }

    /** Writes records without a condition. */
    async put(...puts: (readonly [StoreName, StoredRecord])[]): Promise<void> {
        await this.commit([], () => puts.map(put => ({ put })));
    }

    /** Shows a message that is newer than the stored one, such as streamed text. */
    show(message: Message): void {
        this.applyMessage(message);
    }

    applyRemote(operations: readonly Operation[]): void {
        this.apply(operations);
    }

    async setValue(name: string, value: unknown): Promise<void> {
        const record: StoredValue = { id: name, value };
        await this.put(["values", record]);
    }

    report(problem: unknown): void {
        this.setProblem(problem instanceof StorageProblem ? problem.message : String(problem));
    }

    private setProblem(problem: string | null): void {
        if (problem === this.problem) return;
        this.problem = problem;
        this.topics.notify("server");
    }

    private cached(store: StoreName, id: string): StoredRecord | undefined {
        switch (store) {
            case "conversations":
                return this.conversations.get(id);
            case "messages":
                return this.message(id);
            case "queue":
                return this.queue.get(id);
            case "values":
                return this.values.has(id) ? ({ id, value: this.values.get(id) } as StoredValue) : undefined;
            default:
                return undefined;
        }
    }

    private track(message: Message): void {
        if (isRunning(message.state)) this.running.set(message.id, message.conversation);
        else this.running.delete(message.id);
    }

    private apply(operations: readonly Operation[]): void {
        for (const operation of operations) {
            if ("put" in operation) this.applyPut(operation.put[0], operation.put[1]);
            else this.applyRemoval(operation.remove[0], operation.remove[1]);
        }
    }

    private applyPut(store: StoreName, record: StoredRecord): void {
        if (store === "conversations") {
            this.conversations.set(record.id, record as Conversation);
            this.topics.notify(topics.conversations);
            this.topics.notify(topics.thread(record.id));
            this.topics.notify(topics.settings);
        } else if (store === "messages") {
            const message = record as Message;
            if (!this.isOvertaken(message)) this.applyMessage(message);
        } else if (store === "queue") {
            const queued = record as QueuedMessage;
            this.queue.set(queued.id, queued);
            this.topics.notify(topics.thread(queued.conversation));
        } else if (store === "values") {
            this.values.set(record.id, (record as StoredValue).value);
            this.topics.notify(topics.settings);
            this.topics.notify(topics.models);
        }
    }

    /** Text went on while the record was being written: the older record must not be shown again. */
    private isOvertaken(message: Message): boolean {
        const shown = this.threads.get(message.conversation)?.get(message.id);
        const [old, next] = [shown?.stream, message.stream];
        return !!old && !!next && old.label === next.label && compareCursors(next.cursor, old.cursor) < 0;
    }

    private applyMessage(message: Message): void {
        const thread = this.threads.get(message.conversation);
        const before = thread?.get(message.id);
        thread?.set(message.id, message);
        const wasRunning = this.running.has(message.id);
        this.track(message);
        this.topics.notify(topics.message(message.id));
        if (!before || before.state !== message.state || before.revision !== message.revision) {
            this.topics.notify(topics.thread(message.conversation));
        }
        if (wasRunning !== this.running.has(message.id)) this.topics.notify(topics.conversations);
    }

    private applyRemoval(store: StoreName, id: string): void {
        if (store === "conversations") {
            this.conversations.delete(id);
            this.threads.delete(id);
            this.topics.notify(topics.conversations);
            this.topics.notify(topics.thread(id));
        } else if (store === "messages") {
            const message = this.message(id);
            if (message) this.threads.get(message.conversation)?.delete(id);
            const conversation = message?.conversation ?? this.running.get(id);
            if (this.running.delete(id)) this.topics.notify(topics.conversations);
            if (conversation) this.topics.notify(topics.thread(conversation));
            this.topics.notify(topics.message(id));
        } else if (store === "queue") {
            const queued = this.queue.get(id);
            this.queue.delete(id);
            if (queued) this.topics.notify(topics.thread(queued.conversation));
        } else if (store === "values") {
            this.values.delete(id);
            this.topics.notify(topics.settings);
        }
    }
}
