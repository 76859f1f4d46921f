import { Answer } from "./answer";
import { StreamReader } from "./reader";
import type { ReaderEnd } from "./reader";
import { chatRequest } from "./requests";
import { runningState } from "./status";
import { sendStop } from "./stopping";
import { localFailure, lossOf } from "./runrecord";
import type { Loss, RunContext, RunRecord } from "./runrecord";
import { Submission } from "./submission";
import { MessageTree } from "./tree";
import type { Failure, JSONValue, Message, MessageState, StreamState } from "./types";
import { words } from "./words";

const flushEvery = 500;
const shareEvery = 60;

/**
 * One running answer in the tab that reads it: request, stream, saving, sharing, stopping.
 *
 * The saved record always has the text up to its cursor, so any tab can go on from it at any time.
 */
export class AnswerRun {
    readonly answer: Answer;
    readonly startedAt: number;
    private message: Message;
    private reader: StreamReader | null = null;
    private isClosed = false;
    /** The last state is being stored: nothing may follow it, such as a stop of another tab that arrives late. */
    private hasEnded = false;
    private isPiped = false;
    private pipeWanted: (() => void) | null = null;
    private submission: Submission | null = null;
    private isStopWanted = false;
    private isStopSent = false;
    private isDirty = false;
    private cancelFlush: (() => void) | null = null;
    private cancelShare: (() => void) | null = null;
    private connection: StreamState["connection"] = "connecting";
    private attempts = 0;
    private nextAttemptAt: number | null = null;
    private queuePosition: number | null = null;
    private isSkipping = false;
    private readonly wasStored: boolean;
    /** What the last published record had, apart from text: a change makes a new revision. */
    private shape = "";
    private problem: string | null = null;

    constructor(private readonly context: RunContext, message: Message) {
        this.message = message;
        this.answer = new Answer(message);
        this.startedAt = message.stream?.startedAt ?? message.createdAt;
        this.isStopWanted = message.state === "stopping";
        // A storage that is full at the beginning never had the message; its absence is no removal.
        this.wasStored = context.store.database.isPersistent && context.store.problem === null
            && context.store.conversations.get(message.conversation)?.isTemporary !== true;
    }

    get id(): string {
        return this.message.id;
    }

    get conversation(): string {
        return this.message.conversation;
    }

    get generation(): string | null {
        return this.message.stream?.generation ?? null;
    }

    get state(): MessageState {
        return this.answer.state;
    }

    get removals(): number {
        return this.answer.removals;
    }

    /** The message with the text so far. */
    current(): Message {
        const { answer, message } = this;
        return {
            ...message,
            text: answer.text,
            reasoning: answer.reasoning,
            toolCalls: answer.toolCalls,
            state: answer.state,
            finishReason: answer.finishReason,
            failure: answer.failure,
            statistics: answer.statistics,
            probabilities: [...answer.probabilities],
            warnings: [...answer.warnings],
            isReasoningSkipped: answer.isReasoningSkipped,
            model: answer.model,
            stream: message.stream && { ...message.stream, cursor: answer.cursor },
        };
    }

    /** Runs the answer to its end. Never rejects. */
    async run(): Promise<void> {
        this.publish();
        if (this.isStopWanted) this.stop();
        if (this.generation === null && !(await this.submit())) return;
        for (;;) {
            if (this.isClosed) return;
            if (!this.isPiped) await new Promise<void>(resolve => (this.pipeWanted = resolve));
            if (this.isClosed) return;
            const end = await this.read();
            if (end.kind === "left") continue;
            await this.finish(end);
            return;
        }
    }

    /** Whether the run may hold a connection. Without one the server goes on, and the list of generations tells the end. */
    setPiped(isPiped: boolean): void {
        if (isPiped === this.isPiped) return;
        this.isPiped = isPiped;
        if (isPiped) {
            this.pipeWanted?.();
            this.pipeWanted = null;
        } else {
            this.reader?.leave();
        }
    }

    /** Leaves the answer to a later page. */
    async close(): Promise<void> {
        this.isClosed = true;
        this.reader?.leave();
        this.submission?.abort();
        this.pipeWanted?.();
        this.cancelShare?.();
        this.cancelFlush?.();
        await this.flush();
    }

    /** Ends without a write: the message is removed. */
    discard(): void {
        this.isClosed = true;
        this.isDirty = false;
        this.reader?.leave();
        this.submission?.abort();
        this.pipeWanted?.();
        this.cancelShare?.();
        this.cancelFlush?.();
        if (this.submission?.hasPosted && this.generation === null) this.stopLate();
    }

    /** Connects at once if the connection is lost. */
    hurry(): void {
        this.reader?.hurry();
        this.submission?.hurry();
    }

    /** The server's status of the generation, from the list or from the reader. */
    setStatus(body: JSONValue): void {
        const status = body as { queue_position?: unknown };
        this.queuePosition = typeof status.queue_position === "number" ? status.queue_position : null;
        this.followLoad();
    }

    /** Shows whether the answer waits for the load of its model; called when the list of models changes. */
    followLoad(): void {
        const { state, model } = this.answer;
        if (state === "queued" || state === "loading") this.answer.state = this.context.modelLoad(model) ? "loading" : "queued";
        this.publish();
    }

    setSkipping(isSkipping: boolean): void {
        this.isSkipping = isSkipping;
        this.publish();
    }

    // --- The request ---------------------------------------------------------------------------------------------------

    /** The run was created with its message: no earlier page can have sent the request. */
    isFresh = false;

    /** Sends the request. False = the answer has ended, or belongs to another page. */
    private async submit(): Promise<boolean> {
        const { environment, api } = this.context;
        const submission = new Submission(environment, api, this.message.stream?.label ?? "", {
            body: () => this.body(),
            isClosed: () => this.isClosed,
            isStopWanted: () => this.isStopWanted,
            attempt: problem => {
                this.connection = "connecting";
                this.problem = problem;
                this.publish();
            },
            waiting: (attempts, nextAttemptAt, problem) => {
                this.connection = "lost";
                this.attempts = attempts;
                this.nextAttemptAt = nextAttemptAt;
                this.problem = problem;
                this.publish();
            },
        });
        this.submission = submission;
        const end = await submission.run(this.isFresh);
        switch (end.kind) {
            case "accepted":
                return await this.accept(end.generation);
            case "refused":
                await this.end(this.isStopWanted ? "stopped" : "failed", end.failure);
                return false;
            case "absent":
                if (submission.hasPosted) this.stopLate();
                await this.end("stopped", null);
                return false;
            case "closed":
                return false;
        }
    }

    private async body(): Promise<JSONValue> {
        const { store } = this.context;
        await store.load(this.message.conversation);
        const tree = new MessageTree(store.messages(this.message.conversation));
        return await chatRequest(tree.path(this.message.parent), this.message, store.database);
    }

    /** A cancelled request may reach the server after the look-up. */
    private stopLate(): void {
        const { submission } = this;
        this.context.environment.clock.after(2_000, () => {
            void submission?.lookUp().then(found => {
                if (found.kind === "found") void this.sendStop(found.generation);
            });
        });
    }

    private async accept(generation: string): Promise<boolean> {
        this.problem = null;
        const stream = this.message.stream && { ...this.message.stream, generation };
        this.message = { ...this.message, stream, revision: this.message.revision + 1 };
        if (this.answer.state === "sending") this.answer.state = "queued";
        this.publish();
        await this.flush();
        if (this.isStopWanted) this.stop();
        return !this.isClosed;
    }

    // --- The stream ----------------------------------------------------------------------------------------------------

    private async read(): Promise<ReaderEnd> {
        const { environment, api } = this.context;
        const reader = new StreamReader(environment, api, this.generation ?? "", {
            cursor: () => this.answer.cursor,
            apply: event => this.answer.append(event, environment.clock.now()),
            batch: () => this.publish(),
            connection: (state, attempts, next) => {
                if (state === "live" && this.connection === "live") return;
                this.connection = state;
                this.attempts = attempts;
                this.nextAttemptAt = next;
                this.publish();
            },
            status: body => this.setStatus(body),
            restart: () => this.answer.restart(),
        });
        this.reader = reader;
        const end = await reader.run();
        this.reader = null;
        return end;
    }

    private async finish(end: ReaderEnd): Promise<void> {
        if (end.kind === "failed") return this.end("failed", end.failure);
        if (end.kind === "forgotten") {
            const state = this.answer.state === "stopping" ? "stopped" : "interrupted";
            return this.end(state, state === "stopped" ? null : localFailure(words.forgotten));
        }
        // 204: every event was read, in an earlier connection or by an earlier page.
        const { state } = this.answer;
        const isEnded = state === "done" || state === "stopped" || state === "failed";
        await this.end(isEnded ? state : state === "stopping" ? "stopped" : "done", this.answer.failure);
    }

    private async end(state: MessageState, problem: Failure | null): Promise<void> {
        this.hasEnded = true;
        this.answer.state = state;
        this.answer.failure = problem;
        this.message = { ...this.message, revision: this.message.revision + 1 };
        this.cancelShare?.();
        this.cancelShare = null;
        const isOurs = await this.save(true);
        this.isClosed = true;
        this.context.showStream(null, this.id);
        if (isOurs) this.context.ended(this, this.current());
    }

    // --- Stopping --------------------------------------------------------------------------------------------------------

    /** Shows the stop at once, and tells the server until it has answered. */
    stop(): void {
        if (this.hasEnded) return;
        this.isStopWanted = true;
        this.submission?.abort();
        // The request leaves before anything is drawn or stored.
        if (this.generation !== null && !this.isStopSent) {
            this.isStopSent = true;
            void this.sendStop(this.generation);
        }
        if (this.answer.state === "stopping") return;
        this.answer.state = "stopping";
        this.message = { ...this.message, revision: this.message.revision + 1 };
        this.publish();
        void this.flush();
    }

    private async sendStop(generation: string): Promise<void> {
        await sendStop(this.context.environment, this.context.api, generation, {
            hasNoText: () => this.hasNoText,
            replied: () => this.reader?.hurry(),
            failed: () => {
                this.problem = words.stoppingFailed;
                this.publish();
            },
        });
    }

    /** Whether this page has no text of the generation; the server may have some. */
    private get hasNoText(): boolean {
        const { answer, message } = this;
        const { baseText = 0, baseReasoning = 0 } = message.stream ?? {};
        return answer.text.length <= baseText && answer.reasoning.length <= baseReasoning && answer.toolCalls.length === 0;
    }

    // --- Showing and saving ----------------------------------------------------------------------------------------------

    private publish(): void {
        if (this.isClosed || this.hasEnded) return;
        const shape = `${this.answer.state} ${this.answer.toolCalls.length} ${this.answer.removals}`;
        if (shape !== this.shape) {
            this.shape = shape;
            this.message = { ...this.message, revision: this.message.revision + 1 };
        }
        const message = this.current();
        if (["answering", "tool"].includes(this.answer.state)) this.isSkipping = false;
        this.context.store.show(message);
        this.context.showStream(this.streamState(), this.id);
        this.isDirty = true;
        const { clock } = this.context.environment;
        this.cancelFlush ??= clock.after(flushEvery, () => {
            this.cancelFlush = null;
            void this.flush();
        });
        this.cancelShare ??= clock.after(shareEvery, () => {
            this.cancelShare = null;
            if (!this.isClosed) this.context.share(this.current(), this.answer.removals);
        });
    }

    private streamState(): StreamState {
        const load = this.context.modelLoad(this.answer.model);
        return runningState(this.id, this.answer, this.context.environment.clock.now(), {
            connection: this.connection,
            attempts: this.attempts,
            nextAttemptAt: this.nextAttemptAt,
            queuePosition: this.queuePosition,
            loadProgress: load === null ? null : load.progress,
            problem: this.problem,
            isSkipping: this.isSkipping,
        });
    }

    /** Saves the text so far. Called often; a call without news does nothing. */
    async flush(): Promise<void> {
        if (this.isDirty && !this.hasEnded) await this.save(false);
    }

    /** False = the record belongs to another tab now, or was removed; the run has closed. */
    private async save(isEnd: boolean): Promise<boolean> {
        this.isDirty = false;
        const message = this.current();
        let loss: Loss | null = null;
        await this.context.store.commit(
            [
                ["messages", message.id],
                ["leases", message.id],
            ],
            ([stored, lease]) => {
                // A full storage calls this twice: with its own records, then with those of the memory.
                loss = lossOf(message, stored as Message | undefined, lease as RunRecord | undefined, {
                    tab: this.context.tab,
                    wasStored: this.wasStored,
                    isReplay: this.answer.removals > 0,
                });
                if (loss !== null) return null;
                if (isEnd) return [{ put: ["messages", message] }, { remove: ["leases", message.id] }];
                return [{ put: ["messages", message] }];
            },
        );
        if (loss === null || this.isClosed) return loss === null;
        this.isClosed = true;
        this.reader?.leave();
        this.pipeWanted?.();
        this.context.lost(this, loss === "removed");
        return false;
    }
}
