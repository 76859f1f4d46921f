import type { Reply } from "./api";
import type { Library } from "./library";
import { browserSettings } from "./parts";
import type { Parts } from "./parts";
import type { Snapshots } from "./snapshots";
import { topics } from "./types";
import type { ConversationID, JSONValue, SettingValues } from "./types";
import { words } from "./words";

/** What the user prefers, in the browser or in a conversation: settings, models, favourites. */
export class Preferences {
    constructor(
        private readonly parts: Parts,
        private readonly library: Library,
        private readonly snapshots: Snapshots,
    ) {}

    /** Applies the stored preferences to the list of models. */
    apply(): void {
        const { store, models } = this.parts;
        const favourites = (store.values.get("favourites") as readonly string[] | undefined) ?? [];
        models.setPreferences(favourites, (store.values.get("defaultModel") as string | undefined) ?? null);
    }

    async chooseModel(id: ConversationID | null, model: string): Promise<void> {
        if (id !== null) await this.library.change(id, conversation => ({ ...conversation, model }));
        else await this.parts.store.setValue("defaultModel", model);
        this.apply();
    }

    async loadModel(name: string): Promise<void> {
        this.tellRefusal(await this.parts.models.load(name));
    }

    async unloadModel(name: string): Promise<void> {
        this.tellRefusal(await this.parts.models.unload(name));
    }

    async downloadModel(name: string): Promise<void> {
        this.tellRefusal(await this.parts.models.download(name));
    }

    async deleteModel(name: string): Promise<void> {
        this.tellRefusal(await this.parts.models.remove(name));
    }

    private tellRefusal(reply: Reply): void {
        if (reply.kind === "refused") this.parts.notices.show("error", words.commandFailed(reply.failure.message));
    }

    async setFavourite(name: string, isFavourite: boolean): Promise<void> {
        const old = (this.parts.store.values.get("favourites") as readonly string[] | undefined) ?? [];
        const rest = old.filter(other => other !== name);
        await this.parts.store.setValue("favourites", isFavourite ? [...rest, name] : rest);
        this.apply();
    }

    async setSetting(id: ConversationID | null, field: string, value: JSONValue | undefined): Promise<void> {
        const changed = (old: SettingValues): SettingValues => {
            const next: { [name: string]: JSONValue } = { ...old };
            if (value === undefined) delete next[field];
            else next[field] = value;
            return next;
        };
        if (id !== null) {
            await this.library.change(id, conversation => ({ ...conversation, overrides: changed(conversation.overrides) }));
        } else {
            await this.parts.store.setValue("settings", changed(browserSettings(this.parts.store)));
        }
        this.parts.store.topics.notify(topics.settings);
    }

    setting(id: ConversationID | null, field: string): JSONValue {
        return this.parts.settings.value(browserSettings(this.parts.store), this.snapshots.overrides(id), field);
    }
}
