import { Answers } from "./answers";
import { Api } from "./api";
import type { Database } from "./database";
import type { Environment } from "./environment";
import type { History } from "./history/history";
import { LayeredDatabase } from "./layered";
import { Library } from "./library";
import { Models } from "./models";
import { Monitor } from "./monitor";
import { Notices } from "./notices";
import type { Parts } from "./parts";
import { Preferences } from "./preferences";
import { Presence } from "./presence";
import type { StoredBlob } from "./requests";
import { Search } from "./search";
import { ServerWatch } from "./server";
import { Settings } from "./settings";
import { Snapshots } from "./snapshots";
import type { Steering } from "./steering";
import { Store, Topics } from "./store";
import { TabSync } from "./sync";
import type { Titles } from "./titles";
import { topics } from "./types";
import type { Message } from "./types";
import { Writing } from "./writing";

/** The parts of one tab's engine, joined: which part hears of the changes of which other one. */
export class Composition {
    readonly topics: Topics;
    readonly parts: Parts;
    readonly sync: TabSync;
    readonly library: Library;
    readonly writing: Writing;
    private steeringChunk: Promise<Steering> | null = null;
    readonly monitor: Monitor;
    readonly finder: Search;
    readonly snapshots = new Snapshots(() => this.parts);
    readonly presence: Presence;
    readonly preferences: Preferences;
    /** Chats on the server: a chunk of its own, read if the server stores chats. */
    private history: History | null = null;
    private isClosed = false;
    /** Titles by the model: a chunk of its own, read at the first end of an answer. */
    private titles: Titles | null = null;
    readonly database: LayeredDatabase;

    constructor(readonly environment: Environment, base: Database) {
        const database = new LayeredDatabase(base);
        this.database = database;
        this.topics = new Topics(environment.later, topic => this.snapshots.forget(topic));
        this.presence = new Presence(() => this.parts, () => this.library, environment);
        const store = new Store(database, this.topics);
        const api = new Api(environment);
        this.sync = new TabSync(environment);
        const answers = new Answers(environment, api, store, this.sync, this.presence.tab);
        const models = new Models(environment, api);
        const server = new ServerWatch(environment, api);
        const notices = new Notices(environment);
        this.parts = { environment, api, store, answers, models, server, notices, settings: new Settings() };
        this.library = new Library(this.parts);
        this.writing = new Writing(this.parts);
        this.monitor = new Monitor(environment, api);
        this.finder = new Search(database);
        this.preferences = new Preferences(this.parts, this.library, this.snapshots);
        this.connect();
        this.connectTabs();
    }

    /** Joins the parts of this tab. */
    private connect(): void {
        const { api, answers, models, server, notices, settings } = this.parts;
        models.onChange = () => {
            answers.followLoads();
            this.topics.notify(topics.models);
        };
        server.onChange = () => {
            this.topics.notify(topics.server);
            if (server.current.hasHistory && this.history === null) void this.startHistory().catch(() => undefined);
        };
        server.onProps = props => {
            settings.setServer(props);
            this.topics.notify(topics.settings);
        };
        server.onReady = () => {
            answers.hurry();
            models.hurry();
        };
        notices.onChange = () => this.topics.notify(topics.notices);
        this.monitor.onChange = () => this.topics.notify(topics.serverPage);
        api.onKey = isRefused => {
            if (isRefused) server.refuseKey();
        };
        answers.modelLoad = name => {
            const model = models.find(name);
            if (model?.status === "loading") return { progress: model.progress };
            return server.current.status === "loading" ? { progress: null } : null;
        };
        answers.onEnd = message => void this.answerEnded(message);
    }

    /** Joins this tab with the other tabs. */
    private connectTabs(): void {
        const { store, answers } = this.parts;
        store.onCommit = operations => {
            this.finder.invalidate();
            this.history?.recordsChanged(operations);
            const shared = operations.filter(operation => this.database.isShared(operation));
            if (shared.length > 0) this.sync.post({ kind: "records", operations: shared });
        };
        this.sync.receive = message => {
            if (message.kind !== "records") {
                answers.receive(message);
                return;
            }
            this.finder.invalidate();
            store.applyRemote(message.operations);
            this.history?.recordsChanged(message.operations);
            for (const operation of message.operations) {
                if ("put" in operation && operation.put[0] === "messages") {
                    answers.recordsChanged(operation.put[1] as Message, operation.put[1].id);
                } else if ("remove" in operation && operation.remove[0] === "messages") {
                    answers.recordsChanged(null, operation.remove[1]);
                } else if ("put" in operation && operation.put[0] === "values") {
                    this.preferences.apply();
                }
            }
            void this.presence.markRead();
        };
    }

    private async startHistory(): Promise<void> {
        const { History } = await import("./history/history");
        if (this.history !== null || this.isClosed) return;
        const history: History = new History(this.parts, () => this.parts.server.set({ historyProblem: history.problem }));
        this.history = history;
        this.presence.onHidden = isHidden => history.setHidden(isHidden);
        history.setHidden(this.presence.isHidden);
        history.start();
    }

    /** The bytes of an attachment: those of this browser, otherwise those of the server. */
    async attachmentBlob(id: string): Promise<Blob | null> {
        const { store } = this.parts;
        const stored = await store.database.get<StoredBlob>("blobs", id).catch(() => undefined);
        if (stored || this.history === null) return stored?.blob ?? null;
        for (const [conversation, thread] of store.threads) {
            for (const message of thread.values()) {
                if (!message.attachments.some(one => one.id === id)) continue;
                return this.history.files.file(conversation, id).catch(() => null);
            }
        }
        return null;
    }

    /** Ends what this tab does at the server by itself. */
    close(): void {
        this.isClosed = true;
        this.history?.close();
    }

    /** An answer was read to its end in this tab. */
    private async answerEnded(message: Message): Promise<void> {
        const isSeen = this.presence.sees(message.conversation);
        await this.library.change(message.conversation, conversation => ({
            ...conversation,
            updatedAt: this.environment.clock.now(),
            isUnread: conversation.isUnread || !isSeen,
        }));
        if (message.state === "done") await this.writing.sendNext(message.conversation);
        if (this.titles === null) {
            const { Titles } = await import("./titles");
            this.titles ??= new Titles(this.parts, (id, decide) => this.library.change(id, decide));
        }
        this.titles.answerEnded(message);
    }

    /** The commands that change a running answer: a chunk of their own, read with the first message. */
    steering(): Promise<Steering> {
        this.steeringChunk ??= import("./steering").then(({ Steering }) => new Steering(this.parts, this.writing));
        // A chunk that could not be read is asked for again.
        this.steeringChunk.catch(() => (this.steeringChunk = null));
        return this.steeringChunk;
    }

    /** The user sends something: what the page wanted of the server for itself can wait. */
    userSends(): void {
        this.titles?.yield();
        void this.steering().catch(() => undefined);
    }
}
