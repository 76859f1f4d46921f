import type { Api } from "./api";
import type { Environment } from "./environment";
import type { JSONValue, MetricsPoint, ServerGeneration, ServerPage } from "./types";

type JSONObject = { readonly [name: string]: JSONValue | undefined };

function object(value: JSONValue | undefined): JSONObject {
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

function number(value: JSONValue | undefined): number | null {
    return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function text(value: JSONValue | undefined): string | null {
    return typeof value === "string" ? value : null;
}

const interval = 1_000;
const maximumPoints = 3_600;

/** The points of `/v1/metrics/history`: a list of times, and a list of values per name. */
export function pointsFrom(body: JSONValue | undefined): MetricsPoint[] {
    const members = object(body);
    const times = Array.isArray(members.time) ? members.time : [];
    const names = Object.keys(members).filter(name => name !== "time" && Array.isArray(members[name]));
    return times.flatMap((time, index) => {
        const seconds = number(time);
        if (seconds === null) return [];
        const point: { [name: string]: number | null } & { time: number } = { time: seconds * 1_000 };
        for (const name of names) point[name] = number((members[name] as JSONValue[])[index]);
        return [point];
    });
}

/** The generations of this key, from `GET /v1/generations`. */
export function generationsFrom(body: JSONValue | undefined): ServerGeneration[] {
    const { data } = object(body);
    return (Array.isArray(data) ? data : []).flatMap(entry => {
        const members = object(entry);
        const id = text(members.id);
        if (id === null) return [];
        return [
            {
                id,
                state: text(members.state) ?? "",
                model: text(members.model) ?? "",
                label: text(members.label),
                createdAt: (number(members.created) ?? 0) * 1_000,
                tokens: number(members.tokens) ?? 0,
                queuePosition: number(members.queue_position),
                finishReason: text(members.finish_reason),
            },
        ];
    });
}

/** What the server page shows. Asks the server once a second while the page is open, and never otherwise. */
export class Monitor {
    private page: ServerPage = { generations: [], history: [], isHistoryOfServer: false, problems: [] };
    private isOpen = false;
    private cancel: () => void = () => {};
    onChange: () => void = () => {};

    constructor(private readonly environment: Environment, private readonly api: Api) {}

    get current(): ServerPage {
        return this.page;
    }

    open(): void {
        if (this.isOpen) return;
        this.isOpen = true;
        void this.ask();
    }

    close(): void {
        this.isOpen = false;
        this.cancel();
    }

    private async ask(): Promise<void> {
        const last = this.page.history[this.page.history.length - 1]?.time ?? 0;
        const since = last > 0 ? `?since=${Math.floor(last / 1_000)}` : "";
        const [generations, history] = await Promise.all([
            this.api.request("GET", "v1/generations", undefined, 10_000),
            this.api.request("GET", "v1/metrics/history" + since, undefined, 10_000),
        ]);
        if (!this.isOpen) return;
        const problems: string[] = [];
        for (const reply of [generations, history]) if (reply.kind === "refused") problems.push(reply.failure.message);
        const fresh = history.kind === "ok" ? pointsFrom(history.body).filter(point => point.time > last) : [];
        this.page = {
            generations: generations.kind === "ok" ? generationsFrom(generations.body) : this.page.generations,
            history: [...this.page.history, ...fresh].slice(-maximumPoints),
            isHistoryOfServer: history.kind === "ok" || (history.kind === "lost" && this.page.isHistoryOfServer),
            problems,
        };
        this.onChange();
        this.cancel = this.environment.clock.after(interval, () => void this.ask());
    }
}
