import type { Api } from "./api";
import type { StoredRecord } from "./database";
import type { Environment } from "./environment";
import type { AnswerRun } from "./run";
import { compareCursors } from "./sse";
import type { Store } from "./store";
import type { Failure, Message, StreamState } from "./types";

/**
 * The record of a running answer in the store `leases`. The tab that it names reads the stream; another tab takes the
 * answer over by changing the record in a transaction, so that of several tabs one does.
 */
export interface RunRecord extends StoredRecord {
    /** The id of the message. */
    readonly id: string;
    readonly conversation: string;
    readonly label: string;
    readonly tab: string;
    /** Grows with each takeover. */
    readonly claim: number;
}

/** What a run needs of its surroundings. */
export interface RunContext {
    readonly environment: Environment;
    readonly api: Api;
    readonly store: Store;
    readonly tab: string;
    /** Text for the other tabs. `removals` changes when text was removed. */
    share(message: Message, removals: number): void;
    /** The live line of the message. */
    showStream(state: StreamState | null, id: string): void;
    /** How far the model of the answer is loaded; null = it does not load. */
    modelLoad(model: string | null): { readonly progress: number | null } | null;
    ended(run: AnswerRun, message: Message): void;
    /** Another tab reads the answer now, or it was removed. */
    lost(run: AnswerRun, isRemoved: boolean): void;
}

/** Why a run must end without a write: another tab reads the answer, or the message was removed. */
export type Loss = "taken" | "removed";

/**
 * Whether a run may write its message, by what is stored. null = it may.
 *
 * - `wasStored`: the message was stored once, so its absence is a removal.
 * - `isReplay`: the stream is being read again from its first event, so older events than the stored ones are expected.
 */
export function lossOf(
    message: Message,
    stored: Message | undefined,
    record: RunRecord | undefined,
    own: { readonly tab: string; readonly wasStored: boolean; readonly isReplay: boolean },
): Loss | null {
    if (!stored) return own.wasStored ? "removed" : null;
    if (stored.stream?.label !== message.stream?.label) return "taken";
    if (record && record.tab !== own.tab) return "taken";
    const isBehind = compareCursors(stored.stream?.cursor ?? null, message.stream?.cursor ?? null) > 0;
    return isBehind && !own.isReplay ? "taken" : null;
}

/** A failure that the server did not report. */
export function localFailure(message: string): Failure {
    return { message, status: 0, code: null, promptTokens: null, contextTokens: null };
}
