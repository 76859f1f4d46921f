/**
 * The storage of the page: records by key, changed in transactions.
 *
 * Example: a tab claims a queued message with
 * `change([["queue", id]], ([queued]) => queued === undefined ? null : [{ remove: ["queue", id] }])`. Of two tabs one
 * gets the operations and the other null, because the decision and the writes are one transaction.
 */
export type StoreName = "conversations" | "messages" | "queue" | "drafts" | "blobs" | "leases" | "values" | "bases";

export const storeNames: readonly StoreName[] = [
    "conversations",
    "messages",
    "queue",
    "drafts",
    "blobs",
    "leases",
    "values",
    "bases",
];

/** A record names its key in the member `id`. */
export interface StoredRecord {
    readonly id: string;
}

export type Operation =
    | { readonly put: readonly [StoreName, StoredRecord] }
    | { readonly remove: readonly [StoreName, string] };

/** Why the storage refused a write. `full` = the quota of the browser is exhausted. */
export class StorageProblem extends Error {
    constructor(readonly kind: "full" | "closed" | "other", message: string) {
        super(message);
    }
}

export interface Database {
    /** False = nothing survives the tab. */
    readonly isPersistent: boolean;
    get<T extends StoredRecord>(store: StoreName, id: string): Promise<T | undefined>;
    all<T extends StoredRecord>(store: StoreName): Promise<T[]>;
    /** The records of a conversation; `store` is `messages` or `queue`. */
    among<T extends StoredRecord>(store: StoreName, conversation: string): Promise<T[]>;
    /**
     * Reads records, decides, and writes, in one transaction. `decide` is called once, at once with the records (in the
     * order of `keys`; undefined = absent); null = write nothing.
     * Rejects with `StorageProblem` if the storage refuses; then nothing is written.
     */
    change(
        keys: readonly (readonly [StoreName, string])[],
        decide: (records: readonly (StoredRecord | undefined)[]) => readonly Operation[] | null,
    ): Promise<readonly Operation[] | null>;
    close(): void;
}

/** Writes without a condition, in one transaction. */
export async function write(database: Database, operations: readonly Operation[]): Promise<void> {
    if (operations.length > 0) await database.change([], () => operations);
}

/** A storage in memory: for tests, and for browsers that forbid IndexedDB. Records are copied in and out. */
export class MemoryDatabase implements Database {
    readonly isPersistent: boolean = false;
    private readonly stores = new Map<StoreName, Map<string, StoredRecord>>();
    /** Tests set it, to see what a full storage does. */
    refusal: StorageProblem | null = null;

    constructor() {
        for (const name of storeNames) this.stores.set(name, new Map());
    }

    private store(name: StoreName): Map<string, StoredRecord> {
        const store = this.stores.get(name);
        if (!store) throw new StorageProblem("other", "There is no store " + name);
        return store;
    }

    async get<T extends StoredRecord>(store: StoreName, id: string): Promise<T | undefined> {
        return structuredClone(this.store(store).get(id)) as T | undefined;
    }

    async all<T extends StoredRecord>(store: StoreName): Promise<T[]> {
        return structuredClone([...this.store(store).values()]) as T[];
    }

    async among<T extends StoredRecord>(store: StoreName, conversation: string): Promise<T[]> {
        const all = await this.all<T & { conversation?: string }>(store);
        return all.filter(record => record.conversation === conversation);
    }

    async change(
        keys: readonly (readonly [StoreName, string])[],
        decide: (records: readonly (StoredRecord | undefined)[]) => readonly Operation[] | null,
    ): Promise<readonly Operation[] | null> {
        const operations = decide(keys.map(([store, id]) => structuredClone(this.store(store).get(id))));
        if (operations !== null && operations.length > 0 && this.refusal) throw this.refusal;
        for (const operation of operations ?? []) this.apply(operation);
        return operations;
    }

    /** A copy of a record, at once. */
    peek(store: StoreName, id: string): StoredRecord | undefined {
        return structuredClone(this.store(store).get(id));
    }

    /** Writes at once. */
    apply(operation: Operation): void {
        if ("put" in operation) {
            const [store, record] = operation.put;
            this.store(store).set(record.id, structuredClone(record));
        } else {
            const [store, id] = operation.remove;
            this.store(store).delete(id);
        }
    }

    /** Removes all records of a conversation. */
    clear(conversation: string): void {
        for (const store of this.stores.values()) {
            for (const [id, record] of [...store]) {
                const owner = (record as { conversation?: string }).conversation;
                if (id === conversation || owner === conversation) store.delete(id);
            }
        }
    }

    close(): void {}
}
