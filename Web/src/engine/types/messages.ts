import type { AttachmentID, ConversationID, JSONValue, MessageID, Milliseconds } from "./basics";
import type { SettingValues } from "./server";

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
    /** Nothing is stored, and the conversation ends with the page. Absent = false. */
    readonly isTemporary?: boolean;
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
    /** When the user last changed the text in place. Absent = never. Of two versions of a message the later edit wins. */
    readonly editedAt?: Milliseconds;
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
