import type { AttachmentID, ConversationID, JSONValue, MessageID, Milliseconds } from "./basics";
import type {
    Attachment, ConversationRow, Draft, Message, MessageActions, StreamState, Thread, VersionPosition,
} from "./messages";
import type { ContextGauge, ModelsFeed, ResolvedSetting, ServerPage, ServerState, SettingValues } from "./server";

/** A short message at the edge of the window. */
export interface Notice {
    readonly id: string;
    readonly kind: "info" | "error";
    readonly text: string;
    /** A button, such as "Undo" or "Try now". */
    readonly action: { readonly label: string; readonly run: () => void } | null;
    /** When the notice disappears by itself; null = when the user closes it. */
    readonly endsAt: Milliseconds | null;
}

/** A hit of the search. */
export interface SearchHit {
    readonly conversation: ConversationID;
    readonly title: string;
    /** null = the title matches. */
    readonly message: MessageID | null;
    /** Text around the hit, and the place of the hit in it. */
    readonly excerpt: string;
    readonly start: number;
    readonly length: number;
}

export type ExportFormat = "martlet" | "llama" | "openai" | "markdown";

/** A read file, before anything is stored. */
export interface ImportPreview {
    readonly format: "martlet" | "llama" | "openai" | "open-webui";
    readonly conversations: number;
    readonly messages: number;
    /** Conversations that exist already with the same or newer messages; they are left out. */
    readonly skipped: number;
    readonly problems: readonly string[];
    /** Stores the conversations, and returns how many. */
    commit(): Promise<number>;
}

export interface ExportedFile {
    readonly name: string;
    readonly mimeType: string;
    readonly text: string;
}

/** Why a message cannot be sent, for the line under the text box. */
export interface SendProblem {
    readonly reason: "empty" | "cannotSee" | "cannotHear" | "modelMissing" | "serverNotReady";
    readonly words: string;
    /** Models that could answer, for a one-click change. */
    readonly alternatives: readonly string[];
}

export interface SendOptions {
    readonly text: string;
    readonly attachments?: readonly Attachment[];
    /** Values for this answer only. */
    readonly overrides?: SettingValues;
}

/** New values for a running answer. */
export interface Retune {
    readonly temperature?: number;
    readonly top_p?: number;
    readonly max_tokens?: number;
    readonly [field: string]: JSONValue | undefined;
}

/** When an injected text enters the answer. */
export type InjectTime = "now" | "sentence" | "after_reasoning" | "new_turn";

/** The topics to which a view subscribes. */
export const topics = {
    conversations: "conversations",
    models: "models",
    server: "server",
    settings: "settings",
    notices: "notices",
    serverPage: "serverPage",
    thread: (id: ConversationID): string => "thread/" + id,
    message: (id: MessageID): string => "message/" + id,
    stream: (id: MessageID): string => "stream/" + id,
} as const;

/** The engine as the view sees it. */
export interface ChatEngine {
    /** Calls `listener` after each change of the topic, at most once per turn of the event loop. Returns the end. */
    subscribe(topic: string, listener: () => void): () => void;

    // Snapshots: synchronous and immutable.
    conversations(): readonly ConversationRow[];
    /** The thread; its messages are read from the storage at the first call (`isLoaded`). */
    thread(id: ConversationID): Thread | undefined;
    message(id: MessageID): Message | undefined;
    stream(id: MessageID): StreamState | undefined;
    versions(id: MessageID): VersionPosition;
    actions(id: MessageID): MessageActions;
    gauge(id: ConversationID): ContextGauge;
    models(): ModelsFeed;
    server(): ServerState;
    notices(): readonly Notice[];
    serverPage(): ServerPage;
    /** The fields of the settings page, resolved for a conversation or for the browser (null). */
    settings(id: ConversationID | null): readonly ResolvedSetting[];

    // Life cycle.
    /** Reads the storage, goes on with running answers, connects to the server. */
    start(): Promise<void>;
    /** Saves and closes; the running answers go on at the server. */
    close(): Promise<void>;
    /** The conversation that the user sees: it gets the live connection, and its unread mark ends. */
    show(id: ConversationID | null): void;
    /** Hidden and visible pages, from `visibilitychange`, `pagehide`, `online`. */
    pageChanged(event: "hidden" | "visible" | "leaving" | "online"): void;
    setKey(key: string, keep: "session" | "browser"): Promise<void>;
    forgetKey(): void;

    // Conversations.
    /** `isTemporary`: nothing of it is stored, and it ends with the page. */
    createConversation(isTemporary?: boolean): Promise<ConversationID>;
    /** Stores a temporary conversation. */
    keepConversation(id: ConversationID): Promise<void>;
    rename(id: ConversationID, title: string): Promise<void>;
    pin(id: ConversationID, isPinned: boolean): Promise<void>;
    /** Removes conversations; a notice offers to undo it. */
    removeConversations(ids: readonly ConversationID[]): Promise<void>;
    /** A new conversation with a copy of the branch that ends with `message`. */
    branch(message: MessageID, withAttachments: boolean, title?: string): Promise<ConversationID>;
    chooseModel(id: ConversationID | null, model: string): Promise<void>;

    // Messages.
    /** Why `options` cannot be sent now, or null. */
    sendProblem(id: ConversationID, options: SendOptions): SendProblem | null;
    /** Sends, or queues the message while an answer runs. Returns when the message is stored. */
    send(id: ConversationID, options: SendOptions): Promise<void>;
    setSystemPrompt(id: ConversationID, text: string): Promise<void>;
    editQueued(id: string, text: string): Promise<void>;
    removeQueued(id: string): Promise<void>;
    /** Stops the running answer, then sends this message. */
    sendQueuedNow(id: string): Promise<void>;
    stop(message: MessageID): Promise<void>;
    /** Stops all running answers of a conversation (the sidebar's button). */
    stopConversation(id: ConversationID): Promise<void>;
    skipThinking(message: MessageID): Promise<void>;
    pause(message: MessageID): Promise<void>;
    resume(message: MessageID): Promise<void>;
    retune(message: MessageID, changes: Retune): Promise<void>;
    /** Removes the end of a running answer from the last occurrence of `keepText` on; writing goes on from there. */
    rewind(message: MessageID, keepText: string): Promise<void>;
    /** Rewinds to `keepText` and lets the model go on behind `insertText`. */
    rewindAndEdit(message: MessageID, keepText: string, insertText: string): Promise<void>;
    inject(message: MessageID, text: string, when: InjectTime, role: "assistant" | "user"): Promise<void>;
    /** New versions of a running answer that begin with a copy of its text. */
    forkRunning(message: MessageID, count: number): Promise<void>;
    reconnectNow(message: MessageID): void;
    regenerate(message: MessageID, options?: { model?: string; overrides?: SettingValues }): Promise<void>;
    continueAnswer(message: MessageID): Promise<void>;
    /**
     * `inPlace` keeps everything below. `newVersion` adds a sibling; for a user's message the answer to it begins.
     */
    edit(message: MessageID, text: string, mode: "inPlace" | "newVersion"): Promise<void>;
    selectVersion(message: MessageID): Promise<void>;
    /** The number of messages that `remove` would remove. */
    removalSize(message: MessageID): number;
    /** Removes a message with everything below; a notice offers to undo it. */
    remove(message: MessageID): Promise<void>;
    /** A result for a tool call; when every call has one, the answer goes on. */
    answerToolCall(message: MessageID, callID: string, text: string): Promise<void>;

    // Drafts and attachments.
    draft(id: ConversationID): Promise<Draft>;
    /** Saved 300 ms after the last call. */
    saveDraft(id: ConversationID, draft: Draft): void;
    attach(file: Blob, name: string): Promise<Attachment>;
    attachmentBlob(id: AttachmentID): Promise<Blob | null>;

    // Models, settings, notices.
    loadModel(name: string): Promise<void>;
    unloadModel(name: string): Promise<void>;
    cancelLoad(name: string): Promise<void>;
    /** Downloads `ORG/NAME:QUANTIZATION`; its progress is that of the model. Cancelled with `cancelLoad`, and begun again it goes on. */
    downloadModel(name: string): Promise<void>;
    /** Deletes the files of a model that is not loaded. */
    deleteModel(name: string): Promise<void>;
    setFavourite(name: string, isFavourite: boolean): Promise<void>;
    /** null as `id` = the browser's level; undefined as `value` = reset. */
    setSetting(id: ConversationID | null, field: string, value: JSONValue | undefined): Promise<void>;
    setting(id: ConversationID | null, field: string): JSONValue;
    dismiss(notice: string): void;
    /** Shows a text until the user closes it or runs its action. */
    notify(text: string, action: NonNullable<Notice["action"]>): void;

    // Search and transfer.
    search(text: string, limit?: number): Promise<readonly SearchHit[]>;
    exportConversations(ids: readonly ConversationID[], format: ExportFormat): Promise<ExportedFile>;
    readImport(name: string, text: string): Promise<ImportPreview>;

    // Server page: polls only between these calls.
    openServerPage(): void;
    closeServerPage(): void;
    /** A control command for any generation of this key. */
    control(generation: string, action: "stop" | "pause" | "resume" | "reasoning_end"): Promise<void>;
    /** Why the cache of an answer was used or missed, in words; null = the server does not say. */
    explainCache(message: MessageID): Promise<string | null>;
}
