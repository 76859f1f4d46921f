import { storeNames, StorageProblem } from "./database";
import type { Database, Operation, StoredRecord, StoreName } from "./database";

const name = "martlet";
/** 2: the store `bases`. */
const version = 2;

/** The storage in IndexedDB, which exists on plain http too. */
export class IndexedDatabase implements Database {
    readonly isPersistent = true;

    private constructor(private readonly base: IDBDatabase, onClosed: () => void) {
        // Another tab has a newer page: this tab must not block its upgrade.
        base.onversionchange = () => {
            base.close();
            onClosed();
        };
        base.onclose = onClosed;
    }

    /**
     * Opens the storage, and creates it at the first time.
     * - `onClosed`: a newer page or the browser closed the storage; writes fail from then on.
     * Rejects with `StorageProblem` where the browser forbids IndexedDB.
     */
    static open(onClosed: () => void): Promise<IndexedDatabase> {
        return new Promise((resolve, reject) => {
            let request: IDBOpenDBRequest;
            try {
                request = indexedDB.open(name, version);
            } catch (problem) {
                reject(storageProblem(problem));
                return;
            }
            request.onupgradeneeded = () => upgrade(request.result);
            request.onsuccess = () => resolve(new IndexedDatabase(request.result, onClosed));
            request.onerror = () => reject(storageProblem(request.error));
            request.onblocked = () =>
                reject(new StorageProblem("closed", "Another tab has an older version of this page. Close it."));
        });
    }

    get<T extends StoredRecord>(store: StoreName, id: string): Promise<T | undefined> {
        return this.read(store, objects => objects.get(id) as IDBRequest<T | undefined>);
    }

    all<T extends StoredRecord>(store: StoreName): Promise<T[]> {
        return this.read(store, objects => objects.getAll() as IDBRequest<T[]>);
    }

    among<T extends StoredRecord>(store: StoreName, conversation: string): Promise<T[]> {
        return this.read(store, objects => objects.index("conversation").getAll(conversation) as IDBRequest<T[]>);
    }

    private read<T>(store: StoreName, ask: (objects: IDBObjectStore) => IDBRequest<T>): Promise<T> {
        return new Promise((resolve, reject) => {
            try {
                const request = ask(this.base.transaction(store, "readonly").objectStore(store));
                request.onsuccess = () => resolve(request.result);
                request.onerror = () => reject(storageProblem(request.error));
            } catch (problem) {
                reject(storageProblem(problem));
            }
        });
    }

    change(
        keys: readonly (readonly [StoreName, string])[],
        decide: (records: readonly (StoredRecord | undefined)[]) => readonly Operation[] | null,
    ): Promise<readonly Operation[] | null> {
        return new Promise((resolve, reject) => {
            let transaction: IDBTransaction;
            try {
                // All stores: the decision may write to any. Transactions of this page are short.
                transaction = this.base.transaction([...storeNames], "readwrite");
            } catch (problem) {
                reject(storageProblem(problem));
                return;
            }
            let operations: readonly Operation[] | null = null;
            let fault: unknown = null;
            const records: (StoredRecord | undefined)[] = [];
            const apply = (): void => {
                try {
                    operations = decide(records);
                    for (const operation of operations ?? []) {
                        if ("put" in operation) transaction.objectStore(operation.put[0]).put(operation.put[1]);
                        else transaction.objectStore(operation.remove[0]).delete(operation.remove[1]);
                    }
                    // Now, not when the browser finds that nothing follows: a page that goes away has no later.
                    transaction.commit?.();
                } catch (problem) {
                    fault = problem;
                    transaction.abort();
                }
            };
            let missing = keys.length;
            keys.forEach(([store, id], index) => {
                const request = transaction.objectStore(store).get(id);
                request.onsuccess = () => {
                    records[index] = request.result as StoredRecord | undefined;
                    missing -= 1;
                    if (missing === 0) apply();
                };
            });
            if (missing === 0) apply();
            // Only `oncomplete` proves the writes: a full storage is reported at the end of the transaction.
            transaction.oncomplete = () => resolve(operations);
            transaction.onabort = () => reject(storageProblem(fault ?? transaction.error));
        });
    }

    close(): void {
        this.base.close();
    }
}

function upgrade(base: IDBDatabase): void {
    for (const store of storeNames) {
        if (base.objectStoreNames.contains(store)) continue;
        const objects = base.createObjectStore(store, { keyPath: "id" });
        if (store === "messages" || store === "queue") objects.createIndex("conversation", "conversation");
    }
}

function storageProblem(problem: unknown): StorageProblem {
    if (problem instanceof StorageProblem) return problem;
    const title = problem instanceof Error ? problem.name : "";
    if (title === "QuotaExceededError") {
        return new StorageProblem("full", "The storage of this browser is full. New text is not saved.");
    }
    if (title === "InvalidStateError") {
        return new StorageProblem("closed", "A newer version of this page is open. Reload this tab.");
    }
    return new StorageProblem("other", "The storage of this browser failed: " + String(problem));
}
