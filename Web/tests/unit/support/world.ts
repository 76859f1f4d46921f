import { MemoryDatabase } from "../../../src/engine/database";
import type { StoredRecord } from "../../../src/engine/database";
import { Engine } from "../../../src/engine/engine";
import type { Environment, TabChannel, TextStorage } from "../../../src/engine/environment";
import type { ConversationID, Message, MessageID } from "../../../src/engine/types";
import type { ScriptedServer } from "./server";

/** A clock that moves only when a test moves it. */
export class ManualClock {
    private time = 1_700_000_000_000;
    private timers: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];
    private order = 0;

    now(): number {
        return this.time;
    }

    after(delay: number, run: () => void): () => void {
        const timer = { at: this.time + delay, order: this.order++, run };
        this.timers.push(timer);
        return () => {
            this.timers = this.timers.filter(other => other !== timer);
        };
    }

    /** Runs the next timer that is due at or before `end`; false if there is none. */
    private step(end: number): boolean {
        const due = this.timers.filter(timer => timer.at <= end);
        due.sort((left, right) => left.at - right.at || left.order - right.order);
        const next = due[0];
        if (!next) return false;
        this.timers = this.timers.filter(other => other !== next);
        this.time = Math.max(this.time, next.at);
        next.run();
        return true;
    }

    /** Moves the time, and lets all work end that a timer began before the next timer runs. */
    async advance(milliseconds: number): Promise<void> {
        const end = this.time + milliseconds;
        await turns();
        while (this.step(end)) await turns();
        this.time = end;
        await turns();
    }
}

/** Lets the promises that are under way end: turns of the event loop, not time. */
export async function turns(count = 12): Promise<void> {
    for (let turn = 0; turn < count; turn += 1) await new Promise<void>(resolve => setImmediate(resolve));
}

/** Waits for a condition in turns of the event loop; the time of the clock stands still. */
export async function until(condition: () => boolean, what: string): Promise<void> {
    for (let turn = 0; turn < 5_000; turn += 1) {
        if (condition()) return;
        await new Promise<void>(resolve => setImmediate(resolve));
    }
    throw new Error("It never happened: " + what);
}

/** The storage of a browser: shared by its tabs, and it survives a reload. */
export class SharedDatabase extends MemoryDatabase {
    override readonly isPersistent = true;
    /** Turns of the event loop between a write and its report. */
    delay = 0;

    override async change(
        ...call: Parameters<MemoryDatabase["change"]>
    ): ReturnType<MemoryDatabase["change"]> {
        const operations = await super.change(...call);
        await turns(this.delay);
        return operations;
    }
}

function memoryText(): TextStorage {
    const values = new Map<string, string>();
    return {
        read: name => values.get(name) ?? null,
        write: (name, value) => {
            if (value === null) values.delete(name);
            else values.set(name, value);
        },
    };
}

/** A tab: its session storage survives a reload of its page. */
export interface Tab {
    engine: Engine;
    readonly session: TextStorage;
    isFrozen: boolean;
    /** The page is gone; its timers and connections do nothing any more. */
    isDead: boolean;
}

/** A browser with any number of tabs, a clock and a server. */
export class World {
    readonly clock = new ManualClock();
    readonly database = new SharedDatabase();
    private readonly local = memoryText();
    private readonly channels = new Set<{ readonly tab: Tab; receive: (message: unknown) => void }>();
    private seed = 1;

    /** `modelTitles`: the model writes titles, which is a request more after each first answer. */
    constructor(readonly server: ScriptedServer, modelTitles = false) {
        server.now = () => this.clock.now();
        this.database.apply({ put: ["values", { id: "settings", value: { modelTitles } } as StoredRecord] });
    }

    /** Opens a page in a new tab, or again in a tab whose page is gone. */
    async open(session: TextStorage = memoryText()): Promise<Tab> {
        const tab: Tab = { engine: undefined as unknown as Engine, session, isFrozen: false, isDead: false };
        const environment: Environment = {
            clock: {
                now: () => this.clock.now(),
                after: (delay, run) => this.clock.after(delay, () => {
                    if (!tab.isDead && !tab.isFrozen) run();
                }),
            },
            fetch: (path, options) => this.server.fetch(path, options, () => tab.isDead),
            channel: this.channel(tab),
            session,
            local: this.local,
            random: count => Uint8Array.from({ length: count }, () => this.random()),
            later: work => queueMicrotask(work),
        };
        tab.engine = new Engine(environment, this.database);
        await tab.engine.start();
        return tab;
    }

    /** The page disappears as at F5, and a new page opens in the same tab. */
    async reload(tab: Tab): Promise<Tab> {
        tab.engine.pageChanged("leaving");
        this.kill(tab);
        return this.open(tab.session);
    }

    /** The page is gone without a word, as when the browser dies. */
    kill(tab: Tab): void {
        tab.isDead = true;
        for (const channel of [...this.channels]) if (channel.tab === tab) this.channels.delete(channel);
        this.server.dropConnections();
    }

    private random(): number {
        this.seed = (this.seed * 1_103_515_245 + 12_345) % 2_147_483_648;
        return (this.seed >> 16) & 0xff;
    }

    private channel(tab: Tab): TabChannel {
        const own = { tab, receive: (_: unknown): void => {} };
        this.channels.add(own);
        return {
            post: message => {
                const copy = structuredClone(message);
                for (const other of this.channels) {
                    if (other === own || tab.isDead) continue;
                    queueMicrotask(() => {
                        if (!other.tab.isDead && !other.tab.isFrozen) other.receive(structuredClone(copy));
                    });
                }
            },
            onMessage: receive => {
                own.receive = receive;
            },
            close: () => this.channels.delete(own),
        };
    }
}

/** A new conversation with a question; returns its id and the id of the answer. */
export async function ask(tab: Tab, text: string): Promise<{ conversation: ConversationID; answer: MessageID }> {
    const conversation = await tab.engine.createConversation();
    tab.engine.show(conversation);
    await tab.engine.send(conversation, { text });
    return { conversation, answer: lastAnswer(tab, conversation) };
}

export function lastAnswer(tab: Tab, conversation: ConversationID): MessageID {
    const messages = tab.engine.thread(conversation)?.messages ?? [];
    const last = messages[messages.length - 1];
    if (!last || last.role !== "assistant") throw new Error("The conversation does not end with an answer");
    return last.id;
}

export function message(tab: Tab, id: MessageID): Message {
    const found = tab.engine.message(id);
    if (!found) throw new Error("There is no message " + id);
    return found;
}
