import { failureFrom, parse } from "./answer";
import type { Api } from "./api";
import { Backoff } from "./backoff";
import type { Environment } from "./environment";
import type { Failure, JSONValue } from "./types";
import { words } from "./words";

/** What a submission asks of its run, and reports to it. */
export interface SubmissionOwner {
    body(): Promise<JSONValue>;
    isClosed(): boolean;
    isStopWanted(): boolean;
    /** An attempt begins; `problem` is the reason in words why the last one did not succeed. */
    attempt(problem: string | null): void;
    /** The next attempt begins at a time; null = it begins now. */
    waiting(attempts: number, nextAttemptAt: number | null, problem: string | null): void;
}

/** `absent` = the user stopped the answer before the server had the request. */
export type SubmissionEnd =
    | { readonly kind: "accepted"; readonly generation: string }
    | { readonly kind: "refused"; readonly failure: Failure }
    | { readonly kind: "absent" | "closed" };

/**
 * Sends the request of an answer until the server has accepted or refused it.
 *
 * A lost reply may mean an accepted request. So every attempt but the first of a new answer asks by the label first: the
 * request is never accepted twice.
 */
export class Submission {
    private controller: AbortController | null = null;
    private wakeUp: (() => void) | null = null;
    private problem: string | null = null;
    /** A request was sent, whose reply may be lost. */
    hasPosted = false;

    constructor(
        private readonly environment: Environment,
        private readonly api: Api,
        private readonly label: string,
        private readonly owner: SubmissionOwner,
    ) {}

    /** `isFresh`: no earlier page can have sent the request. */
    async run(isFresh: boolean): Promise<SubmissionEnd> {
        const backoff = new Backoff();
        let isFirst = isFresh;
        while (!this.owner.isClosed()) {
            if (!isFirst) {
                const found = await this.lookUp();
                if (this.owner.isClosed()) break;
                if (found.kind === "found") return { kind: "accepted", generation: found.generation };
                if (found.kind === "lost") {
                    await this.wait(backoff);
                    continue;
                }
                if (this.owner.isStopWanted()) return { kind: "absent" };
            }
            isFirst = false;
            if (this.owner.isStopWanted()) continue;
            const end = await this.post();
            if (end !== null) return end;
            if (!this.owner.isStopWanted()) await this.wait(backoff);
        }
        return { kind: "closed" };
    }

    /** Cancels the request that is under way, and ends a wait. */
    abort(): void {
        this.controller?.abort();
        this.wakeUp?.();
    }

    /** Ends a wait. */
    hurry(): void {
        this.wakeUp?.();
    }

    /** The generation with the label. */
    async lookUp(): Promise<{ kind: "found"; generation: string } | { kind: "absent" | "lost" }> {
        const path = "v1/generations?label=" + encodeURIComponent(this.label);
        const reply = await this.api.request("GET", path, undefined, 10_000);
        if (reply.kind !== "ok") return { kind: "lost" };
        const data = (reply.body as { data?: { id?: unknown }[] } | undefined)?.data;
        const id = data?.[0]?.id;
        return typeof id === "string" ? { kind: "found", generation: id } : { kind: "absent" };
    }

    /** One request. null = another attempt is needed. */
    private async post(): Promise<SubmissionEnd | null> {
        this.owner.attempt(this.problem);
        try {
            const body = JSON.stringify(await this.owner.body());
            const controller = new AbortController();
            this.controller = controller;
            if (this.owner.isClosed() || this.owner.isStopWanted()) return null;
            this.hasPosted = true;
            const response = await this.api.open(
                "v1/chat/completions",
                { method: "POST", body, signal: controller.signal },
                { "Content-Type": "application/json", "X-Conversation-Id": this.label },
            );
            const generation = response.headers.get("X-Generation-Id");
            if (response.ok && generation !== null) {
                // The text is read from the numbered events; this connection is not needed any more.
                controller.abort();
                return { kind: "accepted", generation };
            }
            const text = await response.text();
            if (response.status === 401 || response.status === 403) this.problem = words.keyNeeded;
            else if (response.status === 503) this.problem = words.serverStarts;
            else return { kind: "refused", failure: failureFrom(response.status, parse(text), wordsOf(response, text)) };
            return null;
        } catch {
            this.problem = null;
            return null;
        } finally {
            this.controller = null;
        }
    }

    private async wait(backoff: Backoff): Promise<void> {
        const { clock, random } = this.environment;
        const delay = backoff.failed(random(1)[0] / 255);
        this.owner.waiting(backoff.attempts, clock.now() + delay, this.problem);
        await new Promise<void>(resolve => {
            const cancel = clock.after(delay, resolve);
            this.wakeUp = () => {
                cancel();
                resolve();
            };
        });
        this.wakeUp = null;
        this.owner.waiting(backoff.attempts, null, this.problem);
    }
}

function wordsOf(response: Response, text: string): string {
    return text.slice(0, 300) || `${response.status} ${response.statusText}`;
}
