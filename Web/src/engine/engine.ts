import { isBusy } from "./actions";
import { Answers } from "./answers";
import { Api } from "./api";
import { StorageProblem } from "./database";
import type { Database } from "./database";
import type { Environment } from "./environment";
import { newID } from "./environment";
import { explainedCache } from "./gauge";
import { Library } from "./library";
import { Models } from "./models";
import { Monitor } from "./monitor";
import { Notices } from "./notices";
import { browserSettings } from "./parts";
import type { Parts } from "./parts";
import type { StoredBlob } from "./requests";
import { Search } from "./search";
import { ServerWatch } from "./server";
import { Settings } from "./settings";
import { Snapshots } from "./snapshots";
import { Steering } from "./steering";
import { Store, Topics } from "./store";
import { TabSync } from "./sync";
import { topics } from "./types";
import type {
    Attachment, ChatEngine, ContextGauge, ConversationID, ConversationRow, Draft, ExportedFile, ExportFormat, ImportPreview,
    InjectTime, JSONValue, Message, MessageActions, MessageID, ModelsFeed, Notice, QueuedMessage, ResolvedSetting, Retune,
    SearchHit, SendOptions, SendProblem, ServerPage, ServerState, SettingValues, StreamState, Thread, VersionPosition,
} from "./types";
import { words } from "./words";
import { Writing } from "./writing";

const tabName = "martlet.tab";

/**
 * The engine of one tab: it joins the parts, and has no state of its own but the conversation that is shown.
 */
export class Engine implements ChatEngine {
    private readonly topics: Topics;
    private readonly parts: Parts;
    private readonly sync: TabSync;
    private readonly library: Library;
    private readonly writing: Writing;
    private readonly steering: Steering;
    private readonly monitor: Monitor;
    private readonly finder: Search;
    private readonly snapshots = new Snapshots(() => this.parts);
    private visible: ConversationID | null = null;
    private isHidden = false;
    private readonly tab: string;

    constructor(private readonly environment: Environment, database: Database) {
        this.topics = new Topics(environment.later, topic => this.snapshots.forget(topic));
        // A reload gets the name of the page before it, and so goes on with its answers at once. The name is absent while
        // a page has it: a copied tab must not have the same.
        this.tab = environment.session.read(tabName) ?? newID(environment);
        environment.session.write(tabName, null);
        const store = new Store(database, this.topics);
        const api = new Api(environment);
        this.sync = new TabSync(environment);
        const answers = new Answers(environment, api, store, this.sync, this.tab);
        const models = new Models(environment, api);
        const server = new ServerWatch(environment, api);
        const notices = new Notices(environment);
        this.parts = { environment, api, store, answers, models, server, notices, settings: new Settings() };
        this.library = new Library(this.parts);
        this.writing = new Writing(this.parts);
        this.steering = new Steering(this.parts, this.writing);
        this.monitor = new Monitor(environment, api);
        this.finder = new Search(database);
        this.connect();
    }

    /** Joins the parts. */
    private connect(): void {
        const { store, api, answers, models, server, notices, settings } = this.parts;
        models.onChange = () => this.topics.notify(topics.models);
        server.onChange = () => this.topics.notify(topics.server);
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
        store.onCommit = operations => {
            this.finder.invalidate();
            this.sync.post({ kind: "records", operations });
        };
        this.sync.receive = message => {
            if (message.kind !== "records") {
                answers.receive(message);
                return;
            }
            this.finder.invalidate();
            store.applyRemote(message.operations);
            for (const operation of message.operations) {
                if ("put" in operation && operation.put[0] === "messages") {
                    answers.recordsChanged(operation.put[1] as Message, operation.put[1].id);
                } else if ("remove" in operation && operation.remove[0] === "messages") {
                    answers.recordsChanged(null, operation.remove[1]);
                } else if ("put" in operation && operation.put[0] === "values") {
                    this.applyPreferences();
                }
            }
            if (this.visible !== null) void this.markRead(this.visible);
        };
        answers.modelLoad = name => {
            const model = models.find(name);
            if (model?.status === "loading") return { progress: model.progress };
            return server.current.status === "loading" ? { progress: null } : null;
        };
        answers.onEnd = message => void this.answerEnded(message);
    }

    private applyPreferences(): void {
        const { store, models } = this.parts;
        const favourites = (store.values.get("favourites") as readonly string[] | undefined) ?? [];
        models.setPreferences(favourites, (store.values.get("defaultModel") as string | undefined) ?? null);
    }

    // --- Snapshots -----------------------------------------------------------------------------------------------------

    subscribe(topic: string, listener: () => void): () => void {
        return this.topics.subscribe(topic, listener);
    }

    conversations(): readonly ConversationRow[] {
        return this.snapshots.conversations();
    }

    thread(id: ConversationID): Thread | undefined {
        return this.snapshots.thread(id);
    }

    message(id: MessageID): Message | undefined {
        return this.parts.store.message(id);
    }

    stream(id: MessageID): StreamState | undefined {
        return this.parts.answers.stream(id);
    }

    versions(id: MessageID): VersionPosition {
        return this.snapshots.versions(id);
    }

    actions(id: MessageID): MessageActions {
        return this.snapshots.actions(id);
    }

    gauge(id: ConversationID): ContextGauge {
        return this.snapshots.gauge(id);
    }

    models(): ModelsFeed {
        return this.parts.models.current;
    }

    server(): ServerState {
        return this.snapshots.server();
    }

    notices(): readonly Notice[] {
        return this.parts.notices.current;
    }

    serverPage(): ServerPage {
        return this.monitor.current;
    }

    settings(id: ConversationID | null): readonly ResolvedSetting[] {
        return this.snapshots.settings(id);
    }

    // --- Life cycle ----------------------------------------------------------------------------------------------------

    async start(): Promise<void> {
        const { store, answers, models, server } = this.parts;
        try {
            await store.start();
        } catch (problem) {
            store.report(problem);
        }
        this.applyPreferences();
        server.start();
        models.start();
        await answers.start().catch(problem => store.report(problem));
        for (const id of new Set([...store.queue.values()].map(queued => queued.conversation))) {
            void this.writing.sendNext(id);
        }
    }

    async close(): Promise<void> {
        this.monitor.close();
        this.parts.models.close();
        this.parts.server.close();
        await this.library.flushDrafts();
        await this.parts.answers.close();
        this.sync.close();
        this.parts.store.database.close();
    }

    /** The storage could not be opened; this page lives in memory. */
    reportStorage(problem: unknown): void {
        this.parts.store.report(problem);
    }

    /** A newer page closed the storage of this one. */
    storageClosed(): void {
        this.parts.store.report(new StorageProblem("closed", words.storageClosed));
    }

    show(id: ConversationID | null): void {
        this.visible = id;
        this.parts.store.visible = id;
        this.parts.answers.show(id);
        if (id !== null) void this.markRead(id);
    }

    private async markRead(id: ConversationID): Promise<void> {
        if (this.isHidden || this.parts.store.conversations.get(id)?.isUnread !== true) return;
        await this.library.change(id, conversation => ({ ...conversation, isUnread: false }));
    }

    pageChanged(event: "hidden" | "visible" | "leaving" | "online"): void {
        const { answers, models, server } = this.parts;
        if (event === "hidden" || event === "leaving") {
            this.isHidden = true;
            void answers.flush();
            void this.library.flushDrafts();
            if (event === "leaving") this.environment.session.write(tabName, this.tab);
        } else {
            if (event === "visible") this.environment.session.write(tabName, null);
            this.isHidden = false;
            answers.hurry();
            server.hurry();
            if (this.visible !== null) void this.markRead(this.visible);
        }
        models.setHidden(this.isHidden);
        server.setHidden(this.isHidden);
    }

    async setKey(key: string, keep: "session" | "browser"): Promise<void> {
        const { api, answers, models, server } = this.parts;
        api.setKey(key, keep);
        server.hurry();
        models.hurry();
        answers.hurry();
    }

    forgetKey(): void {
        this.parts.api.forgetKey();
        this.parts.server.hurry();
    }

    private async answerEnded(message: Message): Promise<void> {
        const isSeen = this.visible === message.conversation && !this.isHidden;
        await this.library.change(message.conversation, conversation => ({
            ...conversation,
            updatedAt: this.environment.clock.now(),
            isUnread: conversation.isUnread || !isSeen,
        }));
        if (message.state === "done") await this.writing.sendNext(message.conversation);
    }

    // --- Conversations -------------------------------------------------------------------------------------------------

    createConversation(): Promise<ConversationID> {
        return this.library.createConversation();
    }

    rename(id: ConversationID, title: string): Promise<void> {
        return this.library.rename(id, title);
    }

    pin(id: ConversationID, isPinned: boolean): Promise<void> {
        return this.library.change(id, conversation => ({ ...conversation, isPinned }));
    }

    removeConversations(ids: readonly ConversationID[]): Promise<void> {
        return this.library.removeConversations(ids);
    }

    branch(message: MessageID, withAttachments: boolean): Promise<ConversationID> {
        return this.library.branch(message, withAttachments);
    }

    async chooseModel(id: ConversationID | null, model: string): Promise<void> {
        if (id !== null) await this.library.change(id, conversation => ({ ...conversation, model }));
        else await this.parts.store.setValue("defaultModel", model);
        this.applyPreferences();
    }

    // --- Messages ------------------------------------------------------------------------------------------------------

    sendProblem(id: ConversationID, options: SendOptions): SendProblem | null {
        return this.writing.sendProblem(id, options);
    }

    send(id: ConversationID, options: SendOptions): Promise<void> {
        return this.writing.send(id, options);
    }

    setSystemPrompt(id: ConversationID, text: string): Promise<void> {
        return this.library.setSystemPrompt(id, text);
    }

    async editQueued(id: string, text: string): Promise<void> {
        await this.parts.store.commit([["queue", id]], ([stored]) => {
            const queued = stored as QueuedMessage | undefined;
            if (!queued) return null;
            const next: QueuedMessage = { ...queued, text };
            return [{ put: ["queue", next] }];
        });
    }

    async removeQueued(id: string): Promise<void> {
        await this.parts.store.commit([], () => [{ remove: ["queue", id] }]);
    }

    sendQueuedNow(id: string): Promise<void> {
        return this.writing.sendQueuedNow(id);
    }

    async stop(message: MessageID): Promise<void> {
        this.parts.answers.stop(message);
    }

    async stopConversation(id: ConversationID): Promise<void> {
        await this.parts.store.load(id);
        for (const message of this.parts.store.messages(id)) if (isBusy(message.state)) this.parts.answers.stop(message.id);
    }

    skipThinking(message: MessageID): Promise<void> {
        return this.steering.skipThinking(message);
    }

    pause(message: MessageID): Promise<void> {
        return this.steering.pause(message);
    }

    resume(message: MessageID): Promise<void> {
        return this.steering.resume(message);
    }

    retune(message: MessageID, changes: Retune): Promise<void> {
        return this.steering.retune(message, changes);
    }

    rewind(message: MessageID, keepText: string): Promise<void> {
        return this.steering.rewind(message, keepText);
    }

    rewindAndEdit(message: MessageID, keepText: string, insertText: string): Promise<void> {
        return this.steering.rewindAndEdit(message, keepText, insertText);
    }

    inject(message: MessageID, text: string, when: InjectTime, role: "assistant" | "user"): Promise<void> {
        return this.steering.inject(message, text, when, role);
    }

    forkRunning(message: MessageID, count: number): Promise<void> {
        return this.steering.forkRunning(message, count);
    }

    reconnectNow(message: MessageID): void {
        this.parts.answers.run(message)?.hurry();
    }

    regenerate(message: MessageID, options?: { model?: string; overrides?: SettingValues }): Promise<void> {
        return this.writing.regenerate(message, options);
    }

    continueAnswer(message: MessageID): Promise<void> {
        return this.writing.continueAnswer(message);
    }

    async edit(id: MessageID, text: string, mode: "inPlace" | "newVersion"): Promise<void> {
        const message = this.message(id);
        if (!message) return;
        if (mode === "inPlace") await this.library.editInPlace(id, text);
        else if (message.role === "user") await this.writing.editQuestion(message, text);
        else await this.library.addVersion(message, text);
    }

    selectVersion(message: MessageID): Promise<void> {
        return this.library.selectVersion(message);
    }

    removalSize(message: MessageID): number {
        return this.library.removalSize(message);
    }

    remove(message: MessageID): Promise<void> {
        return this.library.remove(message);
    }

    answerToolCall(message: MessageID, callID: string, text: string): Promise<void> {
        return this.writing.answerToolCall(message, callID, text);
    }

    // --- Drafts and attachments ----------------------------------------------------------------------------------------

    draft(id: ConversationID): Promise<Draft> {
        return this.library.draft(id);
    }

    saveDraft(id: ConversationID, draft: Draft): void {
        this.library.saveDraft(id, draft);
    }

    attach(file: Blob, name: string): Promise<Attachment> {
        return this.library.attach(file, name);
    }

    async attachmentBlob(id: string): Promise<Blob | null> {
        const stored = await this.parts.store.database.get<StoredBlob>("blobs", id).catch(() => undefined);
        return stored?.blob ?? null;
    }

    // --- Models, settings, notices -------------------------------------------------------------------------------------

    async loadModel(name: string): Promise<void> {
        const reply = await this.parts.models.load(name);
        if (reply.kind === "refused") this.parts.notices.show("error", words.commandFailed(reply.failure.message));
    }

    async unloadModel(name: string): Promise<void> {
        const reply = await this.parts.models.unload(name);
        if (reply.kind === "refused") this.parts.notices.show("error", words.commandFailed(reply.failure.message));
    }

    cancelLoad(name: string): Promise<void> {
        return this.unloadModel(name);
    }

    async setFavourite(name: string, isFavourite: boolean): Promise<void> {
        const old = (this.parts.store.values.get("favourites") as readonly string[] | undefined) ?? [];
        const rest = old.filter(other => other !== name);
        await this.parts.store.setValue("favourites", isFavourite ? [...rest, name] : rest);
        this.applyPreferences();
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
        this.topics.notify(topics.settings);
    }

    setting(id: ConversationID | null, field: string): JSONValue {
        return this.parts.settings.value(browserSettings(this.parts.store), this.snapshots.overrides(id), field);
    }

    dismiss(notice: string): void {
        this.parts.notices.dismiss(notice);
    }

    // --- Search, transfer, server page ---------------------------------------------------------------------------------

    search(text: string, limit = 50): Promise<readonly SearchHit[]> {
        return this.finder.find(text, this.parts.store.conversations.values(), limit);
    }

    exportConversations(ids: readonly ConversationID[], format: ExportFormat): Promise<ExportedFile> {
        return this.library.exportConversations(ids, format);
    }

    readImport(_name: string, text: string): Promise<ImportPreview> {
        return this.library.readImport(text);
    }

    openServerPage(): void {
        this.monitor.open();
    }

    closeServerPage(): void {
        this.monitor.close();
    }

    async control(generation: string, action: "stop" | "pause" | "resume" | "reasoning_end"): Promise<void> {
        const reply = await this.parts.answers.control(generation, { action });
        if (reply.kind === "refused") this.parts.notices.show("error", words.commandFailed(reply.failure.message));
    }

    async explainCache(id: MessageID): Promise<string | null> {
        return explainedCache(this.message(id)?.statistics?.cacheReport ?? null);
    }
}
