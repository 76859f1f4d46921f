/**
 * The interface between the engine of the chat page and its view.
 *
 * Example: the view shows a message with
 * `useSyncExternalStore(done => engine.subscribe(topics.message(id), done), () => engine.message(id))`.
 *
 * The engine has no DOM. Every snapshot is immutable: a changed record is a new object, so that `===` tells whether
 * the view must draw again. Snapshots are synchronous reads of memory; commands are asynchronous and never reject for
 * reasons of the network: a failure becomes a state of the message, or a `Notice`.
 */

/** An id that the page chooses: a time prefix and random letters, so that ids of one browser sort by time. */
export type ConversationID = string;
export type MessageID = string;
export type AttachmentID = string;

/** Milliseconds since 1970. */
export type Milliseconds = number;

/** The value of a request field: what JSON can express. */
export type JSONValue = null | boolean | number | string | JSONValue[] | { [name: string]: JSONValue };

// --- Conversations -----------------------------------------------------------------------------------------------

/** A conversation: the root of a tree of messages. */
export interface Conversation {
    readonly id: ConversationID;
    readonly title: string;
    /** A title that the user wrote is never replaced by a generated title. */
    readonly isTitleManual: boolean;
    readonly createdAt: Milliseconds;
    /** The time of the last message or edit, by which the sidebar sorts. */
    readonly updatedAt: Milliseconds;
    readonly isPinned: boolean;
    /** The model of the next answer; null = the default model of the browser. */
    readonly model: string | null;
    /** Values that override the settings of the browser, by field. */
    readonly overrides: SettingValues;
    /** The message at the end of the visible branch; null = the conversation is empty. */
    readonly leaf: MessageID | null;
    /** The child that was last visible at each fork, by the id of the parent ("" = the root). */
    readonly chosen: { readonly [parent: string]: MessageID };
    /** The conversation from which this one was branched. */
    readonly origin: { readonly conversation: ConversationID; readonly message: MessageID } | null;
    /** An answer ended while the conversation was not open. */
    readonly isUnread: boolean;
}

/** A row of the sidebar: a conversation and what happens in it. */
export interface ConversationRow {
    readonly conversation: Conversation;
    /** `running` shows the live mark, `failed` the red mark, `unread` the dot. */
    readonly activity: "idle" | "running" | "unread" | "failed";
}

/** The visible branch of a conversation, and what surrounds it. */
export interface Thread {
    readonly conversation: Conversation;
    /** The messages from the root to `conversation.leaf`. */
    readonly messages: readonly Message[];
    /** The answer that is being written in this branch, or null. */
    readonly running: MessageID | null;
    /** Messages that wait for the end of the running answer. */
    readonly queue: readonly QueuedMessage[];
    /** False until the messages are read from the storage. */
    readonly isLoaded: boolean;
}

/** The place of a message among the versions at the same fork: "2/3" is `index` 1, `count` 3. */
export interface VersionPosition {
    readonly index: number;
    readonly count: number;
    readonly versions: readonly MessageID[];
}

// --- Messages ----------------------------------------------------------------------------------------------------

export type Role = "system" | "user" | "assistant" | "tool";

/**
 * The state of a message. Every button of a message is a function of it (`actionsOf`).
 *
 * Running: `sending` (the request is not accepted yet), `queued`, `loading`, `prompting`, `reasoning`, `answering`,
 * `tool` (a tool call is being written), `paused`, `stopping`.
 * Ended: `done`, `stopped` (by a user), `interrupted` (the server has forgotten the generation), `failed`.
 */
export type MessageState =
    | "sending"
    | "queued"
    | "loading"
    | "prompting"
    | "reasoning"
    | "answering"
    | "tool"
    | "paused"
    | "stopping"
    | "done"
    | "stopped"
    | "interrupted"
    | "failed";

/** A call of a tool as the model wrote it. */
export interface ToolCall {
    readonly id: string;
    readonly name: string;
    /** JSON text; incomplete while it streams. */
    readonly arguments: string;
}

/** An attachment of a user's message. The bytes are in the storage (`engine.attachmentBlob`). */
export interface Attachment {
    readonly id: AttachmentID;
    readonly name: string;
    readonly mimeType: string;
    readonly kind: "text" | "image" | "audio" | "other";
    /** In bytes. */
    readonly size: number;
    /** The text of a text file; null for the other kinds. */
    readonly text: string | null;
}

/** The probability of a token and of its alternatives, as logarithms. */
export interface TokenProbability {
    readonly token: string;
    readonly logprob: number;
    readonly alternatives: readonly { readonly token: string; readonly logprob: number }[];
    /** Whether the token belongs to the reasoning instead of the answer. */
    readonly isReasoning: boolean;
}

/** The statistics of an answer; a value that is not known yet is null. Times are in milliseconds. */
export interface Statistics {
    readonly promptTokens: number | null;
    readonly cachedTokens: number | null;
    readonly answerTokens: number | null;
    readonly reasoningTokens: number | null;
    readonly promptTime: number | null;
    readonly answerTime: number | null;
    readonly promptPerSecond: number | null;
    readonly answerPerSecond: number | null;
    /** From the request to the first token. */
    readonly firstToken: number | null;
    /** How long the model thought. */
    readonly reasoningTime: number | null;
    /** The server's report on the prefix cache (`timings.cache`), or null. */
    readonly cacheReport: JSONValue;
}

/** What the page must know to read a running generation on. Saved with the text, in one write. */
export interface StreamRecord {
    /** The label that names this one generation: `<conversation>.<message>.<number>`. */
    readonly label: string;
    /** The server's id; null until the server has accepted the request. */
    readonly generation: string | null;
    /** The last event whose text the message has; null = none. An event may have parts ("24.1"). */
    readonly cursor: string | null;
    readonly startedAt: Milliseconds;
    /** The text and reasoning that existed before this generation (a continued answer). */
    readonly baseText: number;
    readonly baseReasoning: number;
}

/** Why an answer ended without being complete. */
export interface Failure {
    readonly message: string;
    /** The HTTP status, or 0 if there was no response. */
    readonly status: number;
    readonly code: string | null;
    /** The numbers of a prompt that does not fit. */
    readonly promptTokens: number | null;
    readonly contextTokens: number | null;
}

/** A message. Children are found by `parent`; no message names its children. */
export interface Message {
    readonly id: MessageID;
    readonly conversation: ConversationID;
    readonly parent: MessageID | null;
    readonly role: Role;
    readonly createdAt: Milliseconds;
    readonly text: string;
    readonly reasoning: string;
    readonly toolCalls: readonly ToolCall[];
    /** For the role `tool`: the call that this message answers. */
    readonly toolCallID: string | null;
    readonly attachments: readonly Attachment[];
    readonly model: string | null;
    readonly state: MessageState;
    readonly finishReason: string | null;
    readonly failure: Failure | null;
    readonly statistics: Statistics | null;
    readonly probabilities: readonly TokenProbability[];
    /** The user ended the reasoning ("Thought for 12 s (skipped)"). */
    readonly isReasoningSkipped: boolean;
    /** Warnings of the server, such as a field without effect. */
    readonly warnings: readonly string[];
    /** The request fields of this answer, fixed when it began. Empty for other roles. */
    readonly options: SettingValues;
    /** The request asked for JSON, so the view may show the text as a tree. */
    readonly isStructured: boolean;
    readonly stream: StreamRecord | null;
    /** Grows with each change of this record that is not streamed text. */
    readonly revision: number;
}

/** The live line of a running message. It exists in memory only. */
export interface StreamState {
    readonly message: MessageID;
    /** `live` = this tab reads; `followed` = another tab reads and sends the text here. */
    readonly connection: "connecting" | "live" | "followed" | "lost" | "stalled";
    /** The failed attempts since the last received byte. */
    readonly attempts: number;
    /** When the next attempt begins; null = one is under way. */
    readonly nextAttemptAt: Milliseconds | null;
    /**
     * The status line in words: "Waiting for a free slot", "Loading model 43 %", "Reading prompt 43 %, 5 s",
     * "Connection lost. Reconnecting…"; null = text arrives.
     */
    readonly words: string | null;
    /** From 0 to 1; null = unknown. */
    readonly progress: number | null;
    /** The button "Skip thinking" was pressed and the answer has not begun. */
    readonly isSkipping: boolean;
    /** Tokens so far and their speed, for the live statistics. */
    readonly tokens: number;
    readonly tokensPerSecond: number | null;
}

/** A message that waits until the running answer has ended. It survives a reload. */
export interface QueuedMessage {
    readonly id: string;
    readonly conversation: ConversationID;
    readonly text: string;
    readonly attachments: readonly Attachment[];
    readonly createdAt: Milliseconds;
}

/** Unsent text of a conversation. It survives a reload. */
export interface Draft {
    readonly text: string;
    readonly attachments: readonly Attachment[];
}

/** The buttons that a message offers. */
export interface MessageActions {
    readonly stop: boolean;
    readonly skipThinking: boolean;
    readonly pause: boolean;
    readonly resume: boolean;
    readonly retune: boolean;
    readonly rewind: boolean;
    readonly inject: boolean;
    readonly forkRunning: boolean;
    readonly continue: boolean;
    readonly regenerate: boolean;
    readonly edit: boolean;
    readonly remove: boolean;
    readonly branch: boolean;
}

// --- Models ------------------------------------------------------------------------------------------------------

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
}

// --- Server ------------------------------------------------------------------------------------------------------

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

// --- Settings ----------------------------------------------------------------------------------------------------

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

// --- Notices, search, transfer -----------------------------------------------------------------------------------

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

// --- Commands ----------------------------------------------------------------------------------------------------

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
    createConversation(): Promise<ConversationID>;
    rename(id: ConversationID, title: string): Promise<void>;
    pin(id: ConversationID, isPinned: boolean): Promise<void>;
    /** Removes conversations; a notice offers to undo it. */
    removeConversations(ids: readonly ConversationID[]): Promise<void>;
    /** A new conversation with a copy of the branch that ends with `message`. */
    branch(message: MessageID, withAttachments: boolean): Promise<ConversationID>;
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
    setFavourite(name: string, isFavourite: boolean): Promise<void>;
    /** null as `id` = the browser's level; undefined as `value` = reset. */
    setSetting(id: ConversationID | null, field: string, value: JSONValue | undefined): Promise<void>;
    setting(id: ConversationID | null, field: string): JSONValue;
    dismiss(notice: string): void;

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
