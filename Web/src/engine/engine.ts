import { isBusy } from "./actions";
import { Composition } from "./composition";
import { StorageProblem } from "./database";
import type { Database } from "./database";
import type { Environment } from "./environment";
import { explainedCache } from "./gauge";
import { sendStop } from "./stopping";
import type {
    Attachment, ChatEngine, ContextGauge, ConversationID, ConversationRow, Draft, ExportedFile, ExportFormat, ImportPreview,
    InjectTime, JSONValue, Message, MessageActions, MessageID, ModelsFeed, Notice, QueuedMessage, ResolvedSetting, Retune,
    SearchHit, SendOptions, SendProblem, ServerPage, ServerState, SettingValues, StreamState, Thread, VersionPosition,
} from "./types";
import { words } from "./words";

/**
 * The engine of one tab: the interface of the view, in front of the parts. It has no state of its own.
 */
export class Engine implements ChatEngine {
    private readonly joined: Composition;

    constructor(environment: Environment, database: Database) {
        this.joined = new Composition(environment, database);
    }

    // --- Snapshots -----------------------------------------------------------------------------------------------------

    subscribe(topic: string, listener: () => void): () => void {
        return this.joined.topics.subscribe(topic, listener);
    }

    conversations(): readonly ConversationRow[] {
        return this.joined.snapshots.conversations();
    }

    thread(id: ConversationID): Thread | undefined {
        return this.joined.snapshots.thread(id);
    }

    message(id: MessageID): Message | undefined {
        return this.joined.parts.store.message(id);
    }

    stream(id: MessageID): StreamState | undefined {
        return this.joined.parts.answers.stream(id);
    }

    versions(id: MessageID): VersionPosition {
        return this.joined.snapshots.versions(id);
    }

    actions(id: MessageID): MessageActions {
        return this.joined.snapshots.actions(id);
    }

    gauge(id: ConversationID): ContextGauge {
        return this.joined.snapshots.gauge(id);
    }

    models(): ModelsFeed {
        return this.joined.parts.models.current;
    }

    server(): ServerState {
        return this.joined.snapshots.server();
    }

    notices(): readonly Notice[] {
        return this.joined.parts.notices.current;
    }

    serverPage(): ServerPage {
        return this.joined.monitor.current;
    }

    settings(id: ConversationID | null): readonly ResolvedSetting[] {
        return this.joined.snapshots.settings(id);
    }

    // --- Life cycle ----------------------------------------------------------------------------------------------------

    async start(): Promise<void> {
        const { store, answers, models, server } = this.joined.parts;
        try {
            await store.start();
        } catch (problem) {
            store.report(problem);
        }
        this.joined.preferences.apply();
        server.start();
        models.start();
        await answers.start().catch(problem => store.report(problem));
        for (const id of new Set([...store.queue.values()].map(queued => queued.conversation))) {
            void this.joined.writing.sendNext(id);
        }
    }

    async close(): Promise<void> {
        this.joined.close();
        this.joined.monitor.close();
        this.joined.parts.models.close();
        this.joined.parts.server.close();
        await this.joined.library.flushDrafts();
        await this.joined.parts.answers.close();
        this.joined.sync.close();
        this.joined.parts.store.database.close();
    }

    /** The storage could not be opened; this page lives in memory. */
    reportStorage(problem: unknown): void {
        this.joined.parts.store.report(problem);
    }

    /** A newer page closed the storage of this one. */
    storageClosed(): void {
        this.joined.parts.store.report(new StorageProblem("closed", words.storageClosed));
    }

    show(id: ConversationID | null): void {
        this.joined.database.isTemporaryVisible = id !== null && this.joined.database.isTemporary(id);
        const before = this.joined.presence.visible;
        this.joined.presence.show(id);
        if (before !== null && before !== id) void this.joined.library.removeIfUnused(before);
    }

    pageChanged(event: "hidden" | "visible" | "leaving" | "online"): void {
        this.joined.presence.pageChanged(event);
    }

    async setKey(key: string, keep: "session" | "browser"): Promise<void> {
        const { api, answers, models, server } = this.joined.parts;
        api.setKey(key, keep);
        server.hurry();
        models.hurry();
        answers.hurry();
    }

    forgetKey(): void {
        this.joined.parts.api.forgetKey();
        this.joined.parts.server.hurry();
    }

    // --- Conversations -------------------------------------------------------------------------------------------------

    createConversation(isTemporary = false): Promise<ConversationID> {
        return this.joined.library.createConversation(isTemporary);
    }

    keepConversation(id: ConversationID): Promise<void> {
        return this.joined.library.keepConversation(id);
    }

    rename(id: ConversationID, title: string): Promise<void> {
        return this.joined.library.rename(id, title);
    }

    pin(id: ConversationID, isPinned: boolean): Promise<void> {
        return this.joined.library.change(id, conversation => ({ ...conversation, isPinned }));
    }

    removeConversations(ids: readonly ConversationID[]): Promise<void> {
        return this.joined.library.removeConversations(ids);
    }

    branch(message: MessageID, withAttachments: boolean, title?: string): Promise<ConversationID> {
        return this.joined.library.branch(message, withAttachments, title);
    }

    chooseModel(id: ConversationID | null, model: string): Promise<void> {
        return this.joined.preferences.chooseModel(id, model);
    }

    // --- Messages ------------------------------------------------------------------------------------------------------

    sendProblem(id: ConversationID, options: SendOptions): SendProblem | null {
        return this.joined.writing.sendProblem(id, options);
    }

    send(id: ConversationID, options: SendOptions): Promise<void> {
        this.joined.userSends();
        return this.joined.writing.send(id, options);
    }

    setSystemPrompt(id: ConversationID, text: string): Promise<void> {
        return this.joined.library.setSystemPrompt(id, text);
    }

    async editQueued(id: string, text: string): Promise<void> {
        await this.joined.parts.store.commit([["queue", id]], ([stored]) => {
            const queued = stored as QueuedMessage | undefined;
            if (!queued) return null;
            const next: QueuedMessage = { ...queued, text };
            return [{ put: ["queue", next] }];
        });
    }

    async removeQueued(id: string): Promise<void> {
        await this.joined.parts.store.commit([], () => [{ remove: ["queue", id] }]);
    }

    sendQueuedNow(id: string): Promise<void> {
        return this.joined.writing.sendQueuedNow(id);
    }

    async stop(message: MessageID): Promise<void> {
        this.joined.parts.answers.stop(message);
    }

    async stopConversation(id: ConversationID): Promise<void> {
        await this.joined.parts.store.load(id);
        for (const message of this.joined.parts.store.messages(id)) if (isBusy(message.state)) this.joined.parts.answers.stop(message.id);
    }

    async skipThinking(message: MessageID): Promise<void> {
        await (await this.joined.steering()).skipThinking(message);
    }

    async pause(message: MessageID): Promise<void> {
        await (await this.joined.steering()).pause(message);
    }

    async resume(message: MessageID): Promise<void> {
        await (await this.joined.steering()).resume(message);
    }

    async retune(message: MessageID, changes: Retune): Promise<void> {
        await (await this.joined.steering()).retune(message, changes);
    }

    async rewind(message: MessageID, keepText: string): Promise<void> {
        await (await this.joined.steering()).rewind(message, keepText);
    }

    async rewindAndEdit(message: MessageID, keepText: string, insertText: string): Promise<void> {
        await (await this.joined.steering()).rewindAndEdit(message, keepText, insertText);
    }

    async inject(message: MessageID, text: string, when: InjectTime, role: "assistant" | "user"): Promise<void> {
        await (await this.joined.steering()).inject(message, text, when, role);
    }

    async forkRunning(message: MessageID, count: number): Promise<void> {
        await (await this.joined.steering()).forkRunning(message, count);
    }

    reconnectNow(message: MessageID): void {
        this.joined.parts.answers.run(message)?.hurry();
    }

    regenerate(message: MessageID, options?: { model?: string; overrides?: SettingValues }): Promise<void> {
        return this.joined.writing.regenerate(message, options);
    }

    continueAnswer(message: MessageID): Promise<void> {
        return this.joined.writing.continueAnswer(message);
    }

    async edit(id: MessageID, text: string, mode: "inPlace" | "newVersion"): Promise<void> {
        const message = this.message(id);
        if (!message) return;
        if (mode === "inPlace") await this.joined.library.editInPlace(id, text);
        else if (message.role === "user") await this.joined.writing.editQuestion(message, text);
        else await this.joined.library.addVersion(message, text);
    }

    selectVersion(message: MessageID): Promise<void> {
        return this.joined.library.selectVersion(message);
    }

    removalSize(message: MessageID): number {
        return this.joined.library.removalSize(message);
    }

    remove(message: MessageID): Promise<void> {
        return this.joined.library.remove(message);
    }

    answerToolCall(message: MessageID, callID: string, text: string): Promise<void> {
        return this.joined.writing.answerToolCall(message, callID, text);
    }

    // --- Drafts and attachments ----------------------------------------------------------------------------------------

    draft(id: ConversationID): Promise<Draft> {
        return this.joined.library.draft(id);
    }

    saveDraft(id: ConversationID, draft: Draft): void {
        this.joined.library.saveDraft(id, draft);
    }

    attach(file: Blob, name: string): Promise<Attachment> {
        return this.joined.library.attach(file, name);
    }

    attachmentBlob(id: string): Promise<Blob | null> {
        return this.joined.attachmentBlob(id);
    }

    // --- Models, settings, notices -------------------------------------------------------------------------------------

    loadModel(name: string): Promise<void> {
        return this.joined.preferences.loadModel(name);
    }

    unloadModel(name: string): Promise<void> {
        return this.joined.preferences.unloadModel(name);
    }

    cancelLoad(name: string): Promise<void> {
        return this.joined.preferences.unloadModel(name);
    }

    downloadModel(name: string): Promise<void> {
        return this.joined.preferences.downloadModel(name);
    }

    deleteModel(name: string): Promise<void> {
        return this.joined.preferences.deleteModel(name);
    }

    setFavourite(name: string, isFavourite: boolean): Promise<void> {
        return this.joined.preferences.setFavourite(name, isFavourite);
    }

    setSetting(id: ConversationID | null, field: string, value: JSONValue | undefined): Promise<void> {
        return this.joined.preferences.setSetting(id, field, value);
    }

    setting(id: ConversationID | null, field: string): JSONValue {
        return this.joined.preferences.setting(id, field);
    }

    dismiss(notice: string): void {
        this.joined.parts.notices.dismiss(notice);
    }

    notify(text: string, action: NonNullable<Notice["action"]>): void {
        this.joined.parts.notices.show("info", text, action, null);
    }

    // --- Search, transfer, server page ---------------------------------------------------------------------------------

    search(text: string, limit = 50): Promise<readonly SearchHit[]> {
        return this.joined.finder.find(text, this.joined.parts.store.conversations.values(), limit);
    }

    async exportConversations(ids: readonly ConversationID[], format: ExportFormat): Promise<ExportedFile> {
        const { Transfer } = await import("./transfer");
        return new Transfer(this.joined.parts).exportConversations(ids, format);
    }

    async readImport(_name: string, text: string): Promise<ImportPreview> {
        const { Transfer } = await import("./transfer");
        return new Transfer(this.joined.parts).readImport(text);
    }

    openServerPage(): void {
        this.joined.monitor.open();
    }

    closeServerPage(): void {
        this.joined.monitor.close();
    }

    async control(generation: string, action: "stop" | "pause" | "resume" | "reasoning_end"): Promise<void> {
        const { environment, api, answers, notices } = this.joined.parts;
        if (action === "stop") {
            const failed = (): unknown => notices.show("error", words.stoppingFailed);
            return sendStop(environment, api, generation, { hasNoText: () => true, replied: () => undefined, failed });
        }
        const reply = await answers.control(generation, { action });
        if (reply.kind === "refused") notices.show("error", words.commandFailed(reply.failure.message));
    }

    async explainCache(id: MessageID): Promise<string | null> {
        return explainedCache(this.message(id)?.statistics?.cacheReport ?? null);
    }
}
