import { actionsOf, isRunning } from "./actions";
import { gaugeOf } from "./gauge";
import { browserSettings, modelOf } from "./parts";
import type { Parts } from "./parts";
import { MessageTree } from "./tree";
import { topics } from "./types";
import type {
    ContextGauge, ConversationID, ConversationRow, MessageActions, MessageID, ResolvedSetting, ServerState, SettingValues,
    Thread, VersionPosition,
} from "./types";

const noVersions: VersionPosition = { index: 0, count: 0, versions: [] };
const noActions: MessageActions = {
    stop: false, skipThinking: false, pause: false, resume: false, retune: false, rewind: false, inject: false,
    forkRunning: false, continue: false, regenerate: false, edit: false, remove: false, branch: false,
};

/**
 * The immutable snapshots that the view reads. A snapshot is computed at its first read after a change of its topic, so a
 * topic without a reader costs nothing; an equal one is the same object.
 */
export class Snapshots {
    private readonly known = new Map<string, unknown>();
    private readonly stables = new Map<string, { readonly text: string; readonly value: unknown }>();

    constructor(private readonly parts: () => Parts) {}

    /** A topic changed: the next read computes its snapshot again. */
    forget(topic: string): void {
        this.known.delete(topic);
        if (topic.startsWith("thread/")) this.known.delete("tree/" + topic.slice(7));
        // A thread shows the states of its messages and its running answer.
        if (topic === topics.models) this.known.delete(topics.settings);
        if (topic === topics.settings) {
            for (const key of [...this.known.keys()]) if (key.startsWith("settings/")) this.known.delete(key);
        }
    }

    private cached<T>(topic: string, make: () => T): T {
        const known = this.known.get(topic);
        if (known !== undefined) return known as T;
        const made = make();
        this.known.set(topic, made);
        return made;
    }

    /** The value that was returned before, if it is equal: `===` tells the view whether to draw again. */
    private stable<T>(key: string, value: T): T {
        const text = JSON.stringify(value);
        const known = this.stables.get(key);
        if (known?.text === text) return known.value as T;
        this.stables.set(key, { text, value });
        return value;
    }

    conversations(): readonly ConversationRow[] {
        return this.cached(topics.conversations, () => {
            const { store } = this.parts();
            const running = new Set(store.running.values());
            const failed = (id: ConversationID): boolean => {
                const conversation = store.conversations.get(id);
                return conversation?.leaf != null && store.message(conversation.leaf)?.state === "failed";
            };
            return [...store.conversations.values()]
                .sort((left, right) => right.updatedAt - left.updatedAt || (left.id < right.id ? 1 : -1))
                .map((conversation): ConversationRow => ({
                    conversation,
                    activity: running.has(conversation.id)
                        ? "running"
                        : failed(conversation.id)
                          ? "failed"
                          : conversation.isUnread
                            ? "unread"
                            : "idle",
                }));
        });
    }

    thread(id: ConversationID): Thread | undefined {
        const { store } = this.parts();
        const conversation = store.conversations.get(id);
        if (!conversation) return undefined;
        return this.cached(topics.thread(id), () => {
            const isLoaded = store.threads.has(id);
            if (!isLoaded) void store.load(id);
            const tree = this.tree(id);
            const messages = tree.path(tree.leaf(conversation));
            const running = messages.find(message => isRunning(message.state)) ?? null;
            return { conversation, messages, running: running?.id ?? null, queue: store.queueOf(id), isLoaded };
        });
    }

    /** The tree of a conversation, built once per change of its thread. */
    private tree(id: ConversationID): MessageTree {
        return this.cached("tree/" + id, () => new MessageTree(this.parts().store.messages(id)));
    }

    versions(id: MessageID): VersionPosition {
        const message = this.parts().store.message(id);
        if (!message) return noVersions;
        const tree = this.tree(message.conversation);
        return this.stable("versions/" + id, tree.versions(id));
    }

    actions(id: MessageID): MessageActions {
        const message = this.parts().store.message(id);
        if (!message) return noActions;
        const messages = this.thread(message.conversation)?.messages;
        return this.stable("actions/" + id, actionsOf(message, messages?.[messages.length - 1]?.id === id));
    }

    gauge(id: ConversationID): ContextGauge {
        return this.stable("gauge/" + id, gaugeOf(this.thread(id)?.messages ?? [], this.limit(id)));
    }

    private limit(id: ConversationID): number | null {
        const model = this.parts().models.find(modelOf(this.parts(), this.parts().store.conversations.get(id)));
        return model?.contextTokens ?? this.parts().server.current.contextTokens;
    }

    server(): ServerState {
        return this.cached(topics.server, () => ({
            ...this.parts().server.current,
            storageProblem: this.parts().store.problem,
            isStoragePersistent: this.parts().store.database.isPersistent,
        }));
    }

    settings(id: ConversationID | null): readonly ResolvedSetting[] {
        return this.cached("settings/" + (id ?? ""), () =>
            this.parts().settings.resolve(browserSettings(this.parts().store), this.overrides(id)),
        );
    }

    /** What a conversation overrides; null for the browser. */
    overrides(id: ConversationID | null): SettingValues | null {
        return id === null ? null : this.parts().store.conversations.get(id)?.overrides ?? {};
    }
}
