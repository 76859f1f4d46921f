import type { Answer } from "./answer";
import type { Message, MessageState, StreamState } from "./types";
import { words } from "./words";

/** What the live line of a message tells. */
export interface RunningFacts {
    readonly state: MessageState;
    readonly connection: StreamState["connection"];
    readonly attempts: number;
    /** The choices before a queued generation. */
    readonly queuePosition: number | null;
    /** From 0 to 1; null = unknown. */
    readonly loadProgress: number | null;
    readonly prompt: { readonly total: number; readonly processed: number; readonly milliseconds: number } | null;
    readonly problem: string | null;
    readonly isSkipping: boolean;
}

/** The status line in words, and a share from 0 to 1 for its bar. null as words = text arrives, nothing to say. */
export function runningWords(facts: RunningFacts): { readonly words: string | null; readonly progress: number | null } {
    const { state } = facts;
    if (facts.problem !== null) return { words: facts.problem, progress: null };
    if (facts.connection === "lost" && facts.attempts > 0) return { words: words.lost, progress: null };
    if (facts.connection === "stalled") return { words: words.lost, progress: null };
    if (state === "stopping") return { words: words.stopping, progress: null };
    if (facts.isSkipping) return { words: words.skipping, progress: null };
    switch (state) {
        case "sending":
            return { words: words.sending, progress: null };
        case "loading":
            return {
                words: facts.loadProgress === null ? words.loading : words.loadingShare(facts.loadProgress),
                progress: facts.loadProgress,
            };
        case "queued": {
            const place = facts.queuePosition ?? 0;
            return { words: place > 0 ? words.waitingBehind(place) : words.waitingForSlot, progress: null };
        }
        case "prompting":
            return reading(facts.prompt);
        case "paused":
            return { words: words.paused, progress: null };
        default:
            return { words: null, progress: null };
    }
}

function reading(prompt: RunningFacts["prompt"]): { readonly words: string; readonly progress: number | null } {
    if (prompt === null || prompt.total === 0) return { words: words.reading, progress: null };
    const share = Math.min(1, prompt.processed / prompt.total);
    const left = share > 0 ? (prompt.milliseconds / share) * (1 - share) : null;
    // A time below two seconds would only flicker.
    const seconds = left === null || left < 2_000 ? null : Math.round(left / 1_000);
    return { words: words.readingShare(share, seconds), progress: share };
}

/** The live line of an answer that another tab reads: its place in a queue and its connection are known there only. */
export function followedState(message: Message): StreamState {
    const shown = runningWords({
        state: message.state,
        connection: "followed",
        attempts: 0,
        queuePosition: null,
        loadProgress: null,
        prompt: null,
        problem: null,
        isSkipping: false,
    });
    return {
        message: message.id,
        connection: "followed",
        attempts: 0,
        nextAttemptAt: null,
        words: shown.words,
        progress: shown.progress,
        isSkipping: false,
        tokens: 0,
        tokensPerSecond: null,
    };
}

/** The live line of an answer that this tab reads. `now` is in milliseconds since 1970. */
export function runningState(
    id: string,
    answer: Answer,
    now: number,
    facts: Omit<RunningFacts, "state" | "prompt"> & { readonly nextAttemptAt: number | null },
): StreamState {
    const seconds = answer.firstTokenAt === null ? 0 : (now - answer.firstTokenAt) / 1_000;
    const shown = runningWords({ ...facts, state: answer.state, prompt: answer.prompt });
    return {
        message: id,
        connection: facts.connection,
        attempts: facts.attempts,
        nextAttemptAt: facts.nextAttemptAt,
        words: shown.words,
        progress: shown.progress,
        isSkipping: facts.isSkipping,
        tokens: answer.tokens,
        tokensPerSecond: seconds > 0.5 && answer.tokens > 1 ? (answer.tokens - 1) / seconds : null,
    };
}
