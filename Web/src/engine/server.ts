import type { Api } from "./api";
import { Backoff } from "./backoff";
import type { Environment } from "./environment";
import type { JSONValue, ServerState } from "./types";
import { words } from "./words";

/** Milliseconds between two looks at a server that is ready. */
const readyInterval = 20_000;

/**
 * Whether the server can be used, and what `/props` says.
 *
 * A server that is not ready is asked again after 0.5 to 8 seconds, so that a restart is noticed soon; old conversations
 * stay readable meanwhile.
 */
export class ServerWatch {
    private state: ServerState = {
        status: "connecting",
        words: "",
        build: null,
        isOutdated: false,
        contextTokens: null,
        slots: null,
        chatTemplate: null,
        storageProblem: null,
        hasHistory: false,
        historyProblem: null,
        isStoragePersistent: true,
    };
    private readonly backoff = new Backoff();
    private cancel: () => void = () => {};
    private isAsking = false;
    private isHidden = false;
    private isClosed = false;
    private firstBuild: string | null = null;
    onChange: () => void = () => {};
    onProps: (props: JSONValue | undefined) => void = () => {};
    /** The server became ready after it was not. */
    onReady: () => void = () => {};

    constructor(private readonly environment: Environment, private readonly api: Api) {}

    get current(): ServerState {
        return this.state;
    }

    start(): void {
        void this.ask();
    }

    close(): void {
        this.isClosed = true;
        this.cancel();
    }

    hurry(): void {
        if (!this.isAsking && !this.isClosed) void this.ask();
    }

    setHidden(isHidden: boolean): void {
        this.isHidden = isHidden;
        if (!isHidden) this.hurry();
    }

    set(changes: Partial<ServerState>): void {
        const next = { ...this.state, ...changes };
        if (JSON.stringify(next) === JSON.stringify(this.state)) return;
        const wasReady = this.state.status === "ready";
        this.state = next;
        this.onChange();
        if (!wasReady && next.status === "ready") this.onReady();
    }

    /** A request was answered with 401 or 403. */
    refuseKey(): void {
        if (this.api.key === null) this.set({ status: "keyNeeded", words: words.keyNeeded });
        else this.set({ status: "keyRefused", words: words.keyRefused });
    }

    private async ask(): Promise<void> {
        this.isAsking = true;
        this.cancel();
        const reply = await this.api.request("GET", "props", undefined, 10_000);
        this.isAsking = false;
        if (this.isClosed) return;
        if (reply.kind === "ok") {
            this.readProps(reply.body);
        } else if (reply.kind === "lost") {
            this.set({ status: "unreachable", words: words.unreachable });
        } else if (reply.failure.status === 401 || reply.failure.status === 403) {
            this.refuseKey();
        } else if (reply.failure.status === 503) {
            this.set({ status: "loading", words: words.modelLoads });
        } else {
            this.set({ status: "unreachable", words: reply.failure.message });
        }
        const isReady = this.state.status === "ready";
        if (isReady) this.backoff.succeeded();
        const random = this.environment.random(1)[0] / 255;
        const delay = isReady ? readyInterval : this.backoff.failed(random);
        // A hidden page asks again when it is shown.
        if (!this.isHidden) this.cancel = this.environment.clock.after(delay, () => void this.ask());
    }

    private readProps(body: JSONValue | undefined): void {
        const props = (body ?? {}) as {
            build_info?: string;
            total_slots?: number;
            chat_template?: string;
            n_ctx_per_sequence?: number;
            endpoint_history?: boolean;
            default_generation_settings?: { n_ctx?: number };
        };
        const build = props.build_info ?? null;
        this.firstBuild ??= build;
        this.onProps(body);
        this.set({
            status: "ready",
            words: "",
            build,
            isOutdated: build !== null && build !== this.firstBuild,
            contextTokens: props.n_ctx_per_sequence ?? props.default_generation_settings?.n_ctx ?? null,
            slots: props.total_slots ?? null,
            chatTemplate: props.chat_template ?? null,
            hasHistory: props.endpoint_history === true,
        });
    }
}
