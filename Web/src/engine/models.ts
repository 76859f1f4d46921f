import type { Api, Reply } from "./api";
import { Backoff } from "./backoff";
import type { Environment } from "./environment";
import { EventParser } from "./sse";
import { parse } from "./answer";
import type { JSONValue, Model, ModelsFeed, ModelStatus } from "./types";

type JSONObject = { readonly [name: string]: JSONValue | undefined };

function object(value: JSONValue | undefined): JSONObject {
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

function number(value: JSONValue | undefined): number | null {
    return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function text(value: JSONValue | undefined): string | null {
    return typeof value === "string" && value !== "" ? value : null;
}

function strings(value: JSONValue | undefined): string[] {
    return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

/** The status words of llama-server's protocol, and what they mean here. */
function statusOf(value: string | null, hasFailed: boolean): ModelStatus {
    if (hasFailed) return "failed";
    switch (value) {
        case "loading":
        case "sleeping":
        case "downloading":
        case "unloaded":
        case "failed":
            return value;
        case "downloaded":
            return "unloaded";
        default:
            // A server with one model does not say; what it lists is loaded.
            return "loaded";
    }
}

function statusWords(status: ModelStatus, progress: number | null, stage: string | null, error: string | null): string {
    const share = progress === null ? "" : ` ${Math.floor(progress * 100)} %`;
    switch (status) {
        case "loaded":
            return "Loaded";
        case "loading":
            return "Loading" + (stage === null ? "" : `, ${stage.replace(/_/g, " ")}`) + share;
        case "downloading":
            return "Downloading" + share;
        case "sleeping":
            return "Sleeping";
        case "unloaded":
            return "Not loaded";
        case "failed":
            return error === null ? "Failed" : `Failed: ${error}`;
    }
}

/** The memory that a load of a model takes, and whether this machine has it at all. */
export interface MemoryNeed {
    readonly bytes: number;
    readonly fits: boolean;
}

/** A model from an entry of `/v1/models`; null for an entry without a name. */
export function modelFrom(entry: JSONValue, isFavourite: boolean, plan: MemoryNeed | null = null): Model | null {
    const members = object(entry);
    const name = text(members.id) ?? text(members.model) ?? text(members.name);
    if (name === null) return null;
    const meta = object(members.meta);
    const state = object(members.status);
    const detail = object(state.progress);
    const capabilities = strings(members.capabilities);
    const inputs = strings(object(members.architecture).input_modalities);
    const error = text(state.error);
    const status = statusOf(text(state.value) ?? text(members.status), state.failed === true);
    const isMoving = status === "loading" || status === "downloading";
    const progress = isMoving ? number(state.fraction) ?? number(detail.value) : null;
    return {
        name,
        aliases: strings(members.aliases),
        status,
        statusWords: state.phase === "absent" ? "Not downloaded" : statusWords(status, progress, text(detail.current), error),
        progress,
        canSee: capabilities.includes("vision") || inputs.includes("image"),
        canHear: capabilities.includes("audio") || inputs.includes("audio"),
        canThink: capabilities.includes("reasoning"),
        canCallTools: capabilities.includes("tools"),
        contextTokens: number(members.context_length) ?? number(meta.n_ctx) ?? number(meta.n_ctx_train),
        parameters: number(members.parameters) ?? number(meta.n_params),
        size: number(members.size) ?? number(meta.size),
        quantization: text(members.quantization) ?? text(meta.ftype),
        memory: plan?.bytes ?? null,
        fits: plan?.fits ?? null,
        isFavourite,
    };
}

/** Milliseconds after which a hidden page gives its connection back. */
const hiddenLimit = 30_000;

/**
 * The models of the server, kept current.
 *
 * With `/models/sse` (a server with several models) the first event is a snapshot, later events change it. Without it the
 * list is read again every 15 seconds while the page is visible. The share of a load never decreases, whatever arrives.
 */
export class Models {
    private entries = new Map<string, JSONValue>();
    private feed: ModelsFeed = { models: [], isManaged: false, connection: "connecting", defaultModel: null, freeBytes: null };
    private favourites: readonly string[] = [];
    private defaultModel: string | null = null;
    private readonly backoff = new Backoff();
    private controller: AbortController | null = null;
    private cancelTimer: () => void = () => {};
    private isHidden = false;
    private isClosed = false;
    private hasEvents = true;
    private lastEvent: string | null = null;
    /** By name; null = asked, without an answer. Neither number changes while the server runs. */
    private readonly plans = new Map<string, MemoryNeed | null>();
    private isPlanning = false;
    onChange: () => void = () => {};

    constructor(private readonly environment: Environment, private readonly api: Api) {}

    get current(): ModelsFeed {
        return this.feed;
    }

    find(name: string | null): Model | undefined {
        if (name === null) return this.feed.models.length === 1 ? this.feed.models[0] : undefined;
        return this.feed.models.find(model => model.name === name || model.aliases.includes(name));
    }

    setPreferences(favourites: readonly string[], defaultModel: string | null): void {
        this.favourites = favourites;
        this.defaultModel = defaultModel;
        this.publish(this.feed.connection);
    }

    start(): void {
        void this.cycle();
    }

    close(): void {
        this.isClosed = true;
        this.cancelTimer();
        this.controller?.abort();
    }

    /** Reads at once, as after a new key or a wake-up. */
    hurry(): void {
        if (this.isClosed || this.controller) return;
        this.cancelTimer();
        void this.cycle();
    }

    setHidden(isHidden: boolean): void {
        this.isHidden = isHidden;
        if (!isHidden) {
            this.hurry();
            return;
        }
        this.environment.clock.after(hiddenLimit, () => {
            if (this.isHidden) this.controller?.abort();
        });
    }

    /** Reads the list, then the events as long as they last, then waits. */
    private async cycle(): Promise<void> {
        if (this.isClosed) return;
        const controller = new AbortController();
        this.controller = controller;
        const listed = await this.list();
        if (listed && this.hasEvents && !this.isHidden) await this.follow(controller);
        this.controller = null;
        if (this.isClosed) return;
        if (!listed) this.publish(this.feed.models.length > 0 ? "stale" : "connecting");
        else this.backoff.succeeded();
        const random = this.environment.random(1)[0] / 255;
        const delay = listed && !this.hasEvents ? 15_000 : this.backoff.failed(random);
        if (this.isHidden) return;
        this.cancelTimer = this.environment.clock.after(delay, () => void this.cycle());
    }

    private async list(): Promise<boolean> {
        const reply = await this.api.request("GET", "v1/models");
        if (reply.kind !== "ok") return false;
        const data = object(reply.body).data;
        const entries = new Map<string, JSONValue>();
        const old = Array.isArray(object(reply.body).models) ? (object(reply.body).models as JSONValue[]) : [];
        for (const entry of Array.isArray(data) ? data : []) {
            const name = text(object(entry).id);
            if (name === null) continue;
            // Capabilities of a server with one model are in the other list.
            const twin = old.find(other => text(object(other).name) === name);
            entries.set(name, { ...object(twin), ...object(entry) } as JSONValue);
        }
        this.entries = entries;
        this.feed = { ...this.feed, freeBytes: number(object(reply.body).free_bytes) };
        this.publish("live");
        return true;
    }

    private async follow(controller: AbortController): Promise<void> {
        try {
            const more: { [name: string]: string } = this.lastEvent === null ? {} : { "Last-Event-ID": this.lastEvent };
            const response = await this.api.open("models/sse", { signal: controller.signal }, more);
            if (response.status === 404 || response.status === 405 || response.status === 501) {
                this.hasEvents = false;
                this.publish("live");
                return;
            }
            const body = response.ok ? response.body?.getReader() : undefined;
            if (!body) return;
            this.feed = { ...this.feed, isManaged: true };
            this.publish("live");
            const parser = new EventParser(event => {
                this.lastEvent = event.id ?? this.lastEvent;
                if (event.data !== null) this.apply(parse(event.data));
            });
            for (;;) {
                const { done, value } = await body.read();
                if (done) return;
                this.backoff.succeeded();
                parser.append(value);
            }
        } catch {
            // A lost connection; the caller connects again.
        }
    }

    /** Applies an event of `/models/sse`. */
    apply(event: JSONValue | undefined): void {
        const { model, event: kind, data } = object(event);
        const members = object(data);
        const name = text(model);
        if (kind === "snapshot") {
            this.entries.clear();
            for (const entry of Array.isArray(members.models) ? members.models : []) {
                const id = text(object(entry).id);
                if (id !== null) this.entries.set(id, entry);
            }
        } else if (name === null || kind === "models_reload") {
            void this.list();
            return;
        } else if (kind === "model_remove") {
            this.entries.delete(name);
            void this.list();
        } else if (kind === "status_change") {
            const status: JSONObject = {
                value: members.status,
                fraction: members.fraction,
                progress: members.progress,
                error: members.error,
                failed: members.failed,
                phase: members.phase,
            };
            this.change(name, { ...object(members.info), status: status as JSONValue });
        } else if (kind === "download_progress") {
            this.change(name, { status: { value: "downloading", fraction: members.fraction ?? null } });
        } else if (kind === "download_finished") {
            this.change(name, { status: { value: "unloaded" } });
            void this.list();
        } else if (kind === "download_failed") {
            this.change(name, { status: { value: "unloaded", failed: true, error: members.error ?? null } });
        }
        this.publish("live");
    }

    private change(name: string, members: { [name: string]: JSONValue | undefined }): void {
        this.entries.set(name, { id: name, ...object(this.entries.get(name)), ...members } as JSONValue);
    }

    private publish(connection: ModelsFeed["connection"]): void {
        const before = new Map(this.feed.models.map(model => [model.name, model]));
        const models: Model[] = [];
        for (const entry of this.entries.values()) {
            const name = text(object(entry).id) ?? "";
            const model = modelFrom(entry, this.favourites.includes(name), this.plans.get(name) ?? null);
            if (!model) continue;
            const old = before.get(model.name);
            const isSameLoad = old !== undefined && old.status === model.status && old.progress !== null;
            const shown = isSameLoad && (model.progress ?? 0) < (old.progress ?? 0)
                ? { ...model, progress: old.progress, statusWords: old.statusWords }
                : model;
            models.push(old && JSON.stringify(old) === JSON.stringify(shown) ? old : shown);
        }
        const feed: ModelsFeed = { ...this.feed, models, connection, defaultModel: this.defaultModel };
        if (JSON.stringify(feed) !== JSON.stringify(this.feed)) {
            this.feed = feed;
            this.onChange();
        }
        if (feed.isManaged) void this.plan();
    }

    /** Asks for the memory of each model once, one after the other: a plan reads the head of a file. */
    private async plan(): Promise<void> {
        const next = (): string | undefined => this.feed.models.find(model => !this.plans.has(model.name))?.name;
        if (this.isPlanning || next() === undefined) return;
        this.isPlanning = true;
        for (let name = next(); name !== undefined && !this.isClosed; name = next()) {
            this.plans.set(name, null);
            const reply = await this.api.request("POST", "models/plan", { model: name });
            const body = reply.kind === "ok" ? object(reply.body) : {};
            const needs = Array.isArray(body.needs) ? body.needs.map(part => number(part) ?? 0) : [];
            if (needs.length === 0) continue;
            this.plans.set(name, { bytes: needs.reduce((sum, part) => sum + part, 0), fits: body.fits === true });
        }
        this.isPlanning = false;
        if (!this.isClosed) this.publish(this.feed.connection);
    }

    // --- Commands ------------------------------------------------------------------------------------------------------

    load(name: string): Promise<Reply> {
        return this.api.request("POST", "models/load", { model: name });
    }

    download(name: string): Promise<Reply> {
        return this.api.request("POST", "models", { model: name });
    }

    /** Deletes the files of a model. */
    remove(name: string): Promise<Reply> {
        return this.api.request("DELETE", "models?model=" + encodeURIComponent(name));
    }

    /** Unloads a model, and cancels its load. */
    unload(name: string): Promise<Reply> {
        return this.api.request("POST", "models/unload", { model: name });
    }
}
