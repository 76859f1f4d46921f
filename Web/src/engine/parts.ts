import type { Answers } from "./answers";
import type { Api } from "./api";
import type { Environment } from "./environment";
import type { Models } from "./models";
import type { Notices } from "./notices";
import type { ServerWatch } from "./server";
import type { Settings } from "./settings";
import type { Store } from "./store";
import type { Conversation, SettingValues } from "./types";

/** The parts of the engine that commands share. Each part has one writer of its state: itself. */
export interface Parts {
    readonly environment: Environment;
    readonly api: Api;
    readonly store: Store;
    readonly answers: Answers;
    readonly models: Models;
    readonly server: ServerWatch;
    readonly settings: Settings;
    readonly notices: Notices;
}

/** The settings of the browser. */
export function browserSettings(store: Store): SettingValues {
    return (store.values.get("settings") as SettingValues | undefined) ?? {};
}

/** The model of the next answer of a conversation: the chosen one, else a loaded one, else the first one; null = the server's own. */
export function modelOf(parts: Parts, conversation: Conversation | undefined): string | null {
    const chosen = conversation?.model ?? (parts.store.values.get("defaultModel") as string | undefined) ?? null;
    if (chosen !== null) return chosen;
    const { models } = parts.models.current;
    return (models.find(model => model.status === "loaded") ?? models[0])?.name ?? null;
}
