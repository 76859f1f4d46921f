import { MemoryDatabase } from "./database";
import type { Database, Operation, StoredRecord, StoreName } from "./database";
import type { Conversation } from "./types";

/**
 * The storage of the browser, with temporary conversations in memory above it.
 *
 * A record belongs to the memory if its conversation is temporary. A decision and its writes are one step for both: the
 * memory is read and changed inside of the transaction of the storage.
 */
export class LayeredDatabase implements Database {
    private readonly memory = new MemoryDatabase();
    /** The temporary conversations of this page. */
    private readonly temporary = new Set<string>();
    /** The bytes of attachments go to the memory, too, while a temporary conversation is visible. */
    isTemporaryVisible = false;

    constructor(private readonly base: Database) {}

    get isPersistent(): boolean {
        return this.base.isPersistent;
    }

    /** Whether nothing of a conversation may be stored. */
    isTemporary(conversation: string): boolean {
        return this.temporary.has(conversation);
    }

    /** Whether other tabs may learn of a change. */
    isShared(operation: Operation): boolean {
        return !("put" in operation) || !this.belongs(operation.put[0], operation.put[1]);
    }

    async get<T extends StoredRecord>(store: StoreName, id: string): Promise<T | undefined> {
        return (await this.memory.get<T>(store, id)) ?? (await this.base.get<T>(store, id));
    }

    async all<T extends StoredRecord>(store: StoreName): Promise<T[]> {
        return [...(await this.base.all<T>(store)), ...(await this.memory.all<T>(store))];
    }

    among<T extends StoredRecord>(store: StoreName, conversation: string): Promise<T[]> {
        return (this.temporary.has(conversation) ? this.memory : this.base).among<T>(store, conversation);
    }

    async change(
        keys: readonly (readonly [StoreName, string])[],
        decide: (records: readonly (StoredRecord | undefined)[]) => readonly Operation[] | null,
    ): Promise<readonly Operation[] | null> {
        let all: readonly Operation[] | null = null;
        await this.base.change(keys, records => {
            all = decide(keys.map(([store, id], index) => this.memory.peek(store, id) ?? records[index]));
            if (all === null) return null;
            const stored: Operation[] = [];
            for (const operation of all) if (!this.applied(operation)) stored.push(operation);
            return stored;
        });
        return all;
    }

    /** Applies an operation that concerns the memory. False = it concerns the storage. */
    private applied(operation: Operation): boolean {
        if ("remove" in operation) {
            const [store, id] = operation.remove;
            const isOurs = this.memory.peek(store, id) !== undefined;
            if (isOurs) this.memory.apply(operation);
            if (isOurs && store === "conversations") this.temporary.delete(id);
            return isOurs;
        }
        const [store, record] = operation.put;
        if (store === "conversations") {
            if ((record as unknown as Conversation).isTemporary === true) this.temporary.add(record.id);
            else if (this.temporary.delete(record.id)) this.memory.clear(record.id);
        }
        if (!this.belongs(store, record)) return false;
        this.memory.apply(operation);
        return true;
    }

    private belongs(store: StoreName, record: StoredRecord): boolean {
        switch (store) {
            case "conversations":
            case "drafts":
                return this.temporary.has(record.id);
            case "blobs":
                return this.isTemporaryVisible;
            case "values":
            case "bases":
                return false;
            default:
                return this.temporary.has((record as { conversation?: string }).conversation ?? "");
        }
    }

    close(): void {
        this.base.close();
    }
}
