import type { JSONValue, Milliseconds } from "./basics";

export type ModelStatus = "loaded" | "loading" | "unloaded" | "sleeping" | "downloading" | "failed";

/** A model of the server. */
export interface Model {
    readonly name: string;
    readonly aliases: readonly string[];
    readonly status: ModelStatus;
    /** The status in words: "Loaded", "Loading, weights 43 %", "Failed: out of memory". */
    readonly statusWords: string;
    /** From 0 to 1 while the model loads or downloads; never decreases within a load. Null = unknown. */
    readonly progress: number | null;
    readonly canSee: boolean;
    readonly canHear: boolean;
    readonly canThink: boolean;
    readonly canCallTools: boolean;
    /** Context of one conversation in tokens; null = unknown until the model is loaded. */
    readonly contextTokens: number | null;
    readonly parameters: number | null;
    /** In bytes. */
    readonly size: number | null;
    readonly quantization: string | null;
    /** Memory that a load needs, in bytes, and whether it fits; null = the server does not say. */
    readonly memory: number | null;
    readonly fits: boolean | null;
    readonly isFavourite: boolean;
}

/** The models, and whether the server changes between them. */
export interface ModelsFeed {
    readonly models: readonly Model[];
    /** The server can load, unload and cancel (`POST /models/load` …). */
    readonly isManaged: boolean;
    /** `stale` = the list is that of an earlier connection. */
    readonly connection: "connecting" | "live" | "stale";
    /** The model of new conversations. */
    readonly defaultModel: string | null;
    /** Bytes that downloads may still write to the disk of the server; null = the server does not say. */
    readonly freeBytes: number | null;
}

/** Whether the server can be used, for the bar at the top. */
export interface ServerState {
    readonly status: "connecting" | "ready" | "loading" | "unreachable" | "keyNeeded" | "keyRefused";
    /** In words; "" when the server is ready. */
    readonly words: string;
    readonly build: string | null;
    /** The page is older than the server: "New version, reload". */
    readonly isOutdated: boolean;
    readonly contextTokens: number | null;
    readonly slots: number | null;
    readonly chatTemplate: string | null;
    /** Text of the storage's last error ("The storage of this browser is full"), or null. */
    readonly storageProblem: string | null;
    /** The server stores chats (`--history`), so that other devices have them. */
    readonly hasHistory: boolean;
    /** Why a chat could not be stored there, in words; null = no problem. */
    readonly historyProblem: string | null;
    /** False where the browser forbids a storage (private mode): nothing survives the tab. */
    readonly isStoragePersistent: boolean;
}

/** How the prompt of an answer relates to the context, and why the cache helped or not. */
export interface ContextGauge {
    readonly limit: number | null;
    readonly used: number;
    readonly cached: number;
    readonly fresh: number;
    readonly answer: number;
    /** `used / limit`, from 0 to 1; null = unknown. */
    readonly share: number | null;
    /** From 80 % on the view shows a hint. */
    readonly isNearlyFull: boolean;
}

/** A point of the server page's charts: one second. */
export interface MetricsPoint {
    readonly time: Milliseconds;
    readonly [name: string]: number | null;
}

/** The state of the server page (`/#/server`). */
export interface ServerPage {
    readonly generations: readonly ServerGeneration[];
    readonly history: readonly MetricsPoint[];
    /** The server keeps a history (`GET /v1/metrics/history`); otherwise the page collects one while it is open. */
    readonly isHistoryOfServer: boolean;
    readonly problems: readonly string[];
}

/** A generation of this key, from `GET /v1/generations`. */
export interface ServerGeneration {
    readonly id: string;
    readonly state: string;
    readonly model: string;
    readonly label: string | null;
    readonly createdAt: Milliseconds;
    readonly tokens: number;
    readonly queuePosition: number | null;
    readonly finishReason: string | null;
}

export type SettingValues = { readonly [field: string]: JSONValue };

/** A field of the settings page. */
export interface SettingField {
    readonly name: string;
    readonly label: string;
    readonly section: "general" | "display" | "sampling" | "limits" | "reasoning" | "output" | "developer";
    readonly kind: "number" | "integer" | "switch" | "text" | "lines" | "choice" | "json";
    readonly choices: readonly string[];
    readonly minimum: number | null;
    readonly maximum: number | null;
    readonly step: number | null;
    readonly help: string;
    /** A request field is sent to the server; a page field changes the page only. */
    readonly isRequestField: boolean;
}

/** A value and the level from which it comes. */
export interface ResolvedSetting {
    readonly field: SettingField;
    readonly value: JSONValue;
    readonly source: "server" | "browser" | "conversation" | "page";
    /** What a reset of this level would restore. */
    readonly inherited: JSONValue;
}
