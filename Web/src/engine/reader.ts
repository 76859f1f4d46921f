import { failureFrom, parse } from "./answer";
import type { AnswerEnd } from "./answer";
import type { Api } from "./api";
import { Backoff } from "./backoff";
import type { Environment } from "./environment";
import { eventNumber, EventParser } from "./sse";
import type { ServerSentEvent } from "./sse";
import type { Failure, JSONValue, StreamState } from "./types";

/** What a reader reports. All calls come from its own loop, one at a time. */
export interface ReaderOwner {
    /** The id of the last applied event. */
    cursor(): string | null;
    apply(event: ServerSentEvent): AnswerEnd;
    /** The bytes of one read are applied: show the text. */
    batch(): void;
    connection(state: StreamState["connection"], attempts: number, nextAttemptAt: number | null): void;
    /** The server's status of the generation, asked while no byte arrives. */
    status(body: JSONValue): void;
    /** The server does not know the cursor: forget the text of this generation. */
    restart(): void;
}

/**
 * Why a reader ended. `forgotten` = the server does not have the generation (any more); `left` = `leave` was called, and
 * the generation goes on.
 */
export type ReaderEnd =
    | { readonly kind: "ended" | "forgotten" | "left" }
    | { readonly kind: "failed"; readonly failure: Failure };

/** Milliseconds without a byte after which the reader asks whether its connection is still of use. */
const silence = 4_000;
const statusLimit = 5_000;

/**
 * Reads the events of one generation to its end, over any number of connections.
 *
 * A lost connection, a refused one, a server that restarts and a connection that delivers nothing are the same to it: it
 * connects again behind the last applied event, and never gives up. A long prompt is silence too, so the reader does not
 * guess: it asks for the status, and connects again only if the server has events that did not arrive, or does not
 * answer.
 */
export class StreamReader {
    private readonly backoff = new Backoff();
    private controller: AbortController | null = null;
    private isLeft = false;
    private wake: (() => void) | null = null;
    private lastByteAt = 0;
    private cancelWatch: () => void = () => {};

    constructor(
        private readonly environment: Environment,
        private readonly api: Api,
        private readonly generation: string,
        private readonly owner: ReaderOwner,
    ) {}

    private get path(): string {
        return "v1/generations/" + encodeURIComponent(this.generation);
    }

    /** Ends the reader without an effect on the generation. */
    leave(): void {
        this.isLeft = true;
        this.controller?.abort();
        this.wake?.();
    }

    /** Connects at once if the reader waits, and checks a silent connection at once. */
    hurry(): void {
        if (this.wake) this.wake();
        else if (this.controller && this.environment.clock.now() - this.lastByteAt > 1_000) {
            this.cancelWatch();
            void this.check();
        }
    }

    /** Reads until the end; never rejects. */
    async run(): Promise<ReaderEnd> {
        while (!this.isLeft) {
            const end = await this.connect();
            if (end !== null) return end;
            if (this.isLeft) break;
            await this.pause();
        }
        return { kind: "left" };
    }

    /** Waits for the next attempt. */
    private async pause(): Promise<void> {
        const [random] = this.environment.random(1);
        const delay = this.backoff.failed(random / 255);
        this.owner.connection("lost", this.backoff.attempts, this.environment.clock.now() + delay);
        await new Promise<void>(resolve => {
            const cancel = this.environment.clock.after(delay, resolve);
            this.wake = () => {
                cancel();
                resolve();
            };
        });
        this.wake = null;
    }

    /** One connection. null = connect again. */
    private async connect(): Promise<ReaderEnd | null> {
        const controller = new AbortController();
        this.controller = controller;
        this.owner.connection(this.backoff.attempts > 0 ? "lost" : "connecting", this.backoff.attempts, null);
        const cursor = this.owner.cursor();
        this.lastByteAt = this.environment.clock.now();
        this.watch();
        try {
            const more: { [name: string]: string } = cursor === null ? {} : { "Last-Event-ID": cursor };
            const response = await this.api.open(this.path + "/events", { signal: controller.signal }, more);
            if (response.status === 204) return { kind: "ended" };
            if (response.status === 404) return { kind: "forgotten" };
            if (response.status === 400 && cursor !== null) {
                this.owner.restart();
                return null;
            }
            if (!response.ok) return await this.refusal(response);
            // A paused answer and a long prompt are silent: the connection is there before the first byte.
            this.owner.connection("live", 0, null);
            return await this.read(response);
        } catch {
            return null;
        } finally {
            this.cancelWatch();
            // Frees the connection when the reader leaves a body behind.
            controller.abort();
            this.controller = null;
        }
    }

    /** A status that passes (a starting server, a quota, a key) is a reason to wait; any other ends the reader. */
    private async refusal(response: Response): Promise<ReaderEnd | null> {
        const passing = response.status >= 500 || [401, 403, 408, 425, 429].includes(response.status);
        if (passing) return null;
        return { kind: "failed", failure: failureFrom(response.status, parse(await response.text()), response.statusText) };
    }

    private async read(response: Response): Promise<ReaderEnd | null> {
        let end: AnswerEnd = "open";
        const parser = new EventParser(event => {
            if (end === "open") end = this.owner.apply(event);
        });
        const body = response.body?.getReader();
        if (!body) return null;
        for (;;) {
            const { done, value } = await body.read();
            if (done) return null;
            this.lastByteAt = this.environment.clock.now();
            this.backoff.succeeded();
            this.owner.connection("live", 0, null);
            parser.append(value);
            this.owner.batch();
            // The parser's callback changes `end`, which the compiler does not see.
            switch (end as AnswerEnd) {
                case "ended":
                    return { kind: "ended" };
                case "handover":
                    return null;
                case "replay":
                    // The owner has forgotten its text: the next connection reads from the first event.
                    return null;
                default:
                    break;
            }
        }
    }

    private watch(): void {
        this.cancelWatch = this.environment.clock.after(silence, () => {
            if (this.environment.clock.now() - this.lastByteAt < silence) this.watch();
            else void this.check();
        });
    }

    /** Asks the server whether there is something to read, and leaves a connection that does not deliver it. */
    private async check(): Promise<void> {
        const controller = this.controller;
        const asked = this.lastByteAt;
        const reply = await this.api.request("GET", this.path, undefined, statusLimit);
        if (controller === null || controller !== this.controller || controller.signal.aborted) return;
        if (reply.kind === "ok" && reply.body !== undefined) {
            this.owner.status(reply.body);
            const last = (reply.body as { last_event?: unknown }).last_event;
            const isBehind = typeof last === "number" && last > eventNumber(this.owner.cursor());
            if (!isBehind || this.lastByteAt !== asked) {
                this.watch();
                return;
            }
        } else if (this.lastByteAt !== asked) {
            this.watch();
            return;
        }
        this.owner.connection("stalled", this.backoff.attempts, null);
        controller.abort();
    }
}
