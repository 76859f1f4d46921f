import { MemoryDatabase } from "./database";
import type { Database } from "./database";
import { Engine } from "./engine";
import type { Environment, TabChannel, TextStorage } from "./environment";
import { IndexedDatabase } from "./indexeddb";
import type { ChatEngine } from "./types";

/** A storage of texts that does not throw where the browser forbids it. */
function textStorage(find: () => Storage): TextStorage {
    const memory = new Map<string, string>();
    let storage: Storage | null = null;
    try {
        storage = find();
    } catch {
        storage = null;
    }
    return {
        read: name => {
            try {
                return storage ? storage.getItem(name) : memory.get(name) ?? null;
            } catch {
                return memory.get(name) ?? null;
            }
        },
        write: (name, value) => {
            if (value === null) memory.delete(name);
            else memory.set(name, value);
            try {
                if (value === null) storage?.removeItem(name);
                else storage?.setItem(name, value);
            } catch {
                // The memory has it until the tab ends.
            }
        },
    };
}

function tabChannel(name: string): TabChannel {
    if (typeof BroadcastChannel === "undefined") return { post: () => {}, onMessage: () => {}, close: () => {} };
    const channel = new BroadcastChannel(name);
    return {
        post: message => channel.postMessage(message),
        onMessage: receive => {
            channel.onmessage = event => receive(event.data);
        },
        close: () => channel.close(),
    };
}

/** The world of a browser tab. */
function browserEnvironment(): Environment {
    const base = document.baseURI;
    return {
        clock: {
            now: () => Date.now(),
            after: (delay, run) => {
                const timer = setTimeout(run, delay);
                return () => clearTimeout(timer);
            },
        },
        // Relative to the page, so that a prefix of all routes is a prefix of these too.
        fetch: (path, options) => fetch(new URL(path, base), options),
        channel: tabChannel("martlet"),
        session: textStorage(() => window.sessionStorage),
        local: textStorage(() => window.localStorage),
        random: count => crypto.getRandomValues(new Uint8Array(count)),
        later: work => queueMicrotask(work),
    };
}

declare global {
    interface Window {
        /** The engine of this tab, for tests and for the console. */
        martletEngine?: ChatEngine;
    }
}

/**
 * The engine of this tab, with the browser's storage, or with memory where the browser forbids a storage.
 *
 * Rejects never: a storage that cannot be opened is reported in `ServerState.storageProblem`.
 */
export async function createBrowserEngine(): Promise<ChatEngine> {
    let database: Database;
    let problem: unknown = null;
    let engine: Engine | null = null;
    try {
        database = await IndexedDatabase.open(() => engine?.storageClosed());
    } catch (reason) {
        problem = reason;
        database = new MemoryDatabase();
    }
    engine = new Engine(browserEnvironment(), database);
    if (problem !== null) engine.reportStorage(problem);
    const created = engine;
    document.addEventListener("visibilitychange", () =>
        created.pageChanged(document.visibilityState === "hidden" ? "hidden" : "visible"),
    );
    window.addEventListener("pagehide", () => created.pageChanged("leaving"));
    window.addEventListener("pageshow", event => {
        if (event.persisted) created.pageChanged("visible");
    });
    window.addEventListener("online", () => created.pageChanged("online"));
    window.martletEngine = created;
    return created;
}
