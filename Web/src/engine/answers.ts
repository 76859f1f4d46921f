import { isRunning } from "./actions";
import type { Api } from "./api";
import type { Environment } from "./environment";
import { AnswerRun } from "./run";
import type { RunContext, RunRecord } from "./runrecord";
import { followedState } from "./status";
import type { Store } from "./store";
import { joined } from "./sync";
import type { TabMessage, TabSync } from "./sync";
import { topics } from "./types";
import type { ConversationID, JSONValue, Message, MessageID, StreamState } from "./types";

/** An answer that another tab reads. */
interface Followed {
    heardAt: number;
    cancel: () => void;
}

/** Connections for streams that one tab holds. Browsers allow six per server for all tabs, and Stop needs one of them. */
const maximumPipes = 2;
/** Milliseconds after which a followed answer's tab is asked whether it is alive. */
const quiet = 3_000;
/** Milliseconds in which a live tab answers. */
const patience = 500;
const pollEvery = 2_000;

/**
 * The running answers of this tab: which tab reads, which answers hold a connection, and what follows an end.
 *
 * An answer has one reader among the tabs, named by its `RunRecord`. The other tabs follow its text. When the reader's
 * tab is silent and does not answer, one of the others takes the answer over.
 */
export class Answers {
    private readonly runs = new Map<MessageID, AnswerRun>();
    private readonly followed = new Map<MessageID, Followed>();
    private readonly live = new Map<MessageID, StreamState>();
    private readonly heard = new Map<MessageID, () => void>();
    /** Ended at the server, but not read yet. */
    private readonly ended = new Set<MessageID>();
    private visible: ConversationID | null = null;
    private cancelPoll: (() => void) | null = null;
    private isClosed = false;
    /** Called in the tab that read the answer, once it is stored. */
    onEnd: (message: Message) => void = () => {};
    modelLoad: RunContext["modelLoad"] = () => null;

    constructor(
        private readonly environment: Environment,
        private readonly api: Api,
        private readonly store: Store,
        private readonly sync: TabSync,
        readonly tab: string,
    ) {}

    stream(id: MessageID): StreamState | undefined {
        return this.live.get(id);
    }

    run(id: MessageID): AnswerRun | undefined {
        return this.runs.get(id);
    }

    // --- Ownership -----------------------------------------------------------------------------------------------------

    /** The record that makes this tab the reader of a new answer; it is stored with the message. */
    record(message: Message): RunRecord {
        return {
            id: message.id,
            conversation: message.conversation,
            label: message.stream?.label ?? "",
            tab: this.tab,
            claim: 0,
        };
    }

    /**
     * Goes on with every answer that an earlier page or another tab began. Returns when the answers of this tab go on;
     * those of other tabs are asked for meanwhile.
     */
    async start(): Promise<void> {
        const records = await this.store.database.all<RunRecord>("leases");
        await Promise.all(records.map(record => this.adopt(record)));
    }

    /** Begins an answer whose message and record are stored. */
    begin(message: Message, isFresh: boolean): void {
        if (this.isClosed || this.runs.has(message.id)) return;
        this.unfollow(message.id);
        const context: RunContext = {
            environment: this.environment,
            api: this.api,
            store: this.store,
            tab: this.tab,
            // A temporary conversation exists in this tab only.
            share: (shared, removals) => this.isShared(shared) && this.sync.share(shared, removals),
            showStream: (state, id) => this.showStream(state, id),
            modelLoad: model => this.modelLoad(model),
            ended: (run, ended) => this.runEnded(run, ended),
            lost: (run, isRemoved) => this.runLost(run, isRemoved),
        };
        const run = new AnswerRun(context, message);
        run.isFresh = isFresh;
        this.sync.forget(message.id);
        this.runs.set(message.id, run);
        this.schedule();
        void run.run();
    }

    private isShared(message: Message): boolean {
        return this.store.conversations.get(message.conversation)?.isTemporary !== true;
    }

    /** Reads an answer that another device began; its message and record are stored. */
    async goOn(message: Message): Promise<void> {
        await this.store.load(message.conversation);
        const current = this.store.message(message.id);
        if (current && isRunning(current.state)) this.begin(current, false);
    }

    private async adopt(record: RunRecord): Promise<void> {
        await this.store.load(record.conversation);
        const message = this.store.message(record.id);
        if (!message || !isRunning(message.state)) {
            await this.store.commit([], () => [{ remove: ["leases", record.id] }]);
            return;
        }
        // A reload returns with the same tab: it goes on at once.
        if (record.tab === this.tab) this.begin(message, false);
        else void this.probe(record.id);
    }

    /** Asks for the reader of an answer, and takes the answer over if no tab answers. */
    private async probe(id: MessageID): Promise<void> {
        const record = await this.store.database.get<RunRecord>("leases", id).catch(() => undefined);
        if (!record || this.isClosed || this.runs.has(id)) return;
        const isAlive = await new Promise<boolean>(resolve => {
            const cancel = this.environment.clock.after(patience, () => resolve(false));
            this.heard.set(id, () => {
                cancel();
                resolve(true);
            });
            this.sync.post({ kind: "who", id });
        });
        this.heard.delete(id);
        if (this.isClosed) return;
        if (isAlive) {
            this.follow(id);
            this.sync.post({ kind: "want", id });
        } else {
            await this.takeOver(record);
        }
    }

    private async takeOver(seen: RunRecord): Promise<void> {
        const operations = await this.store.commit([["leases", seen.id]], ([found]) => {
            const record = found as RunRecord | undefined;
            if (!record || record.tab !== seen.tab || record.claim !== seen.claim) return null;
            const mine: RunRecord = { ...record, tab: this.tab, claim: record.claim + 1 };
            return [{ put: ["leases", mine] }];
        });
        if (operations === null) {
            this.follow(seen.id);
            return;
        }
        await this.store.load(seen.conversation);
        // The stored record is at least as new as what this tab has seen.
        const stored = await this.store.database.get<Message>("messages", seen.id).catch(() => undefined);
        const message = stored ?? this.store.message(seen.id);
        if (message && isRunning(message.state)) this.begin(message, false);
    }

    private follow(id: MessageID): void {
        if (this.runs.has(id) || this.isClosed) return;
        const known = this.followed.get(id);
        if (known) {
            known.heardAt = this.environment.clock.now();
            return;
        }
        const entry: Followed = { heardAt: this.environment.clock.now(), cancel: () => {} };
        const watch = (): void => {
            entry.cancel = this.environment.clock.after(quiet, () => {
                if (this.followed.get(id) !== entry) return;
                if (this.environment.clock.now() - entry.heardAt >= quiet) {
                    this.followed.delete(id);
                    void this.probe(id);
                } else {
                    watch();
                }
            });
        };
        this.followed.set(id, entry);
        watch();
        this.showFollowed(id);
    }

    private unfollow(id: MessageID): void {
        this.followed.get(id)?.cancel();
        this.followed.delete(id);
    }

    private showFollowed(id: MessageID): void {
        const message = this.store.message(id);
        if (!message || !isRunning(message.state)) return;
        this.showStream(followedState(message), id);
    }

    private showStream(state: StreamState | null, id: MessageID): void {
        if (state === null) this.live.delete(id);
        else this.live.set(id, state);
        this.store.topics.notify(topics.stream(id));
    }

    // --- Messages of other tabs ----------------------------------------------------------------------------------------

    receive(message: TabMessage): void {
        switch (message.kind) {
            case "text":
                this.receiveText(message);
                break;
            case "who":
                if (this.runs.has(message.id)) this.sync.post({ kind: "here", id: message.id });
                break;
            case "here":
                this.heard.get(message.id)?.();
                this.follow(message.id);
                break;
            case "want": {
                const run = this.runs.get(message.id);
                if (!run) break;
                this.sync.forget(message.id);
                this.sync.share(run.current(), run.removals);
                break;
            }
            case "stop":
                this.runs.get(message.id)?.stop();
                break;
            case "skip":
                this.runs.get(message.id)?.setSkipping(true);
                break;
            default:
                break;
        }
    }

    private receiveText(shared: Extract<TabMessage, { kind: "text" }>): void {
        const id = shared.message.id;
        if (this.runs.has(id)) return;
        this.heard.get(id)?.();
        if (!this.store.threads.has(shared.message.conversation)) {
            // The text is not shown here; the sidebar needs the state.
            this.store.show({ ...shared.message, text: "", reasoning: "" });
            this.follow(id);
            return;
        }
        const message = joined(this.store.message(id), shared);
        if (message) this.store.show(message);
        else this.sync.post({ kind: "want", id });
        this.follow(id);
        this.showFollowed(id);
    }

    /** A record of another tab arrived: a new answer is followed, an ended one is left. */
    recordsChanged(message: Message | null, id: MessageID): void {
        if (this.runs.has(id)) return;
        if (message && isRunning(message.state)) {
            this.follow(id);
        } else if (this.followed.has(id)) {
            this.unfollow(id);
            this.showStream(null, id);
        }
    }

    // --- Connections ---------------------------------------------------------------------------------------------------

    /** The conversation that the user sees has the first right to a connection. */
    show(id: ConversationID | null): void {
        this.visible = id;
        this.schedule();
    }

    private schedule(): void {
        const rank = (run: AnswerRun): number =>
            run.conversation === this.visible ? 0 : this.ended.has(run.id) ? 1 : run.generation === null ? 2 : 3;
        const order = [...this.runs.values()].sort(
            (left, right) => rank(left) - rank(right) || right.startedAt - left.startedAt,
        );
        order.forEach((run, index) => run.setPiped(index < maximumPipes));
        // Before the first token the list tells the place in the queue.
        const isEarly = (run: AnswerRun): boolean => ["sending", "queued", "loading"].includes(run.state);
        const needsPoll = order.some((run, index) => index >= maximumPipes || isEarly(run));
        if (needsPoll && !this.cancelPoll && !this.isClosed) {
            this.cancelPoll = this.environment.clock.after(pollEvery, () => {
                this.cancelPoll = null;
                void this.poll();
            });
        }
    }

    /** One request tells the state of all answers that hold no connection. */
    private async poll(): Promise<void> {
        const reply = await this.api.request("GET", "v1/generations", undefined, 10_000);
        const data = reply.kind === "ok" ? (reply.body as { data?: JSONValue[] } | undefined)?.data : undefined;
        if (data) {
            const states = new Map(data.map(entry => [(entry as { id?: unknown }).id, entry]));
            for (const run of this.runs.values()) {
                if (run.generation === null) continue;
                const entry = states.get(run.generation);
                const state = (entry as { state?: unknown } | undefined)?.state;
                // An unknown generation is read too: the reader finds out.
                if (state !== "queued" && state !== "running") this.ended.add(run.id);
                else if (entry !== undefined) run.setStatus(entry);
            }
        }
        this.schedule();
    }

    private runEnded(run: AnswerRun, message: Message): void {
        this.remove(run);
        this.onEnd(message);
    }

    private runLost(run: AnswerRun, isRemoved: boolean): void {
        this.remove(run);
        if (isRemoved && run.generation !== null) {
            // The user deleted the answer in another tab: the server need not write it.
            void this.control(run.generation, { action: "stop" });
        } else {
            void this.store.database.get<Message>("messages", run.id).then(stored => {
                if (stored) this.store.show(stored);
                if (stored && isRunning(stored.state)) this.follow(run.id);
            }, () => {});
        }
    }

    private remove(run: AnswerRun): void {
        this.runs.delete(run.id);
        this.ended.delete(run.id);
        this.sync.forget(run.id);
        this.showStream(null, run.id);
        this.schedule();
    }

    // --- Commands ------------------------------------------------------------------------------------------------------

    /** A control command for a generation. */
    control(generation: string, command: { [name: string]: JSONValue }): ReturnType<Api["request"]> {
        return this.api.request("POST", `v1/generations/${encodeURIComponent(generation)}/control`, command, 30_000);
    }

    /** Stops an answer, whichever tab reads it. */
    stop(id: MessageID): void {
        const run = this.runs.get(id);
        if (run) {
            run.stop();
            return;
        }
        const message = this.store.message(id);
        if (!message || !isRunning(message.state)) return;
        this.store.show({ ...message, state: "stopping", revision: message.revision + 1 });
        this.sync.post({ kind: "stop", id });
        // The reader's tab may be frozen, so this tab tells the server too.
        const generation = message.stream?.generation;
        if (generation) void this.control(generation, { action: "stop" });
    }

    /** Forgets an answer whose message is removed. The caller has stopped it. */
    discard(id: MessageID): void {
        this.unfollow(id);
        const run = this.runs.get(id);
        if (!run) return;
        run.discard();
        this.remove(run);
    }

    setSkipping(id: MessageID, isSkipping: boolean): void {
        const run = this.runs.get(id);
        if (run) run.setSkipping(isSkipping);
        else if (isSkipping) this.sync.post({ kind: "skip", id });
    }

    /** The list of models has changed. */
    followLoads(): void {
        for (const run of this.runs.values()) run.followLoad();
    }

    /** Connects all lost answers at once, and checks silent connections. */
    hurry(): void {
        for (const run of this.runs.values()) run.hurry();
    }

    /** Saves the text of all answers. */
    async flush(): Promise<void> {
        await Promise.all([...this.runs.values()].map(run => run.flush()));
    }

    /** Leaves all answers to the next page. */
    async close(): Promise<void> {
        this.isClosed = true;
        this.cancelPoll?.();
        for (const id of [...this.followed.keys()]) this.unfollow(id);
        await Promise.all([...this.runs.values()].map(run => run.close()));
        this.runs.clear();
    }
}
