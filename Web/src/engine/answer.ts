import { compareCursors, eventNumber } from "./sse";
import type { ServerSentEvent } from "./sse";
import type { Failure, JSONValue, Message, MessageState, Statistics, TokenProbability, ToolCall } from "./types";

type JSONObject = { [name: string]: JSONValue };

/** The member of an object, or undefined for anything else. */
function member(value: JSONValue | undefined, name: string): JSONValue | undefined {
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value[name] : undefined;
}

function text(value: JSONValue | undefined): string {
    return typeof value === "string" ? value : "";
}

function count(value: JSONValue | undefined): number | null {
    return typeof value === "number" && Number.isFinite(value) ? value : null;
}

export const noStatistics: Statistics = {
    promptTokens: null,
    cachedTokens: null,
    answerTokens: null,
    reasoningTokens: null,
    promptTime: null,
    answerTime: null,
    promptPerSecond: null,
    answerPerSecond: null,
    firstToken: null,
    reasoningTime: null,
    cacheReport: null,
};

/** A failure from a body like `{"error": {"message": …}}`, or from any other text. */
export function failureFrom(status: number, body: JSONValue | undefined, fallback: string): Failure {
    const error = member(body, "error");
    const code = member(error, "code");
    return {
        message: text(member(error, "message")) || (typeof error === "string" ? error : fallback),
        status: status || (count(code) ?? 0),
        code: text(member(error, "type")) || (typeof code === "string" ? code : null),
        promptTokens: count(member(error, "n_prompt_tokens")),
        contextTokens: count(member(error, "n_ctx")),
    };
}

/** Lengths of the answer before an event. */
interface Mark {
    readonly event: number;
    readonly text: number;
    readonly reasoning: number;
    readonly toolCalls: readonly ToolCall[];
    readonly probabilities: number;
}

/** How the answer ended, as far as its stream tells. */
export type AnswerEnd = "open" | "ended" | "handover" | "replay";

/**
 * The text of one answer, from the events of its generation.
 *
 * The cursor is the id of the last applied event. Text and cursor change together, so a stored answer never has an
 * event twice and never lacks one: an event whose id is not behind the cursor is ignored. One writer: the tab that
 * reads the stream.
 */
export class Answer {
    text: string;
    reasoning: string;
    toolCalls: readonly ToolCall[];
    cursor: string | null;
    state: MessageState;
    finishReason: string | null = null;
    failure: Failure | null = null;
    statistics: Statistics;
    probabilities: TokenProbability[];
    warnings: string[];
    isReasoningSkipped: boolean;
    model: string | null;
    /** The prompt as far as it is read; null = not being read. */
    prompt: { readonly total: number; readonly processed: number; readonly milliseconds: number } | null = null;
    /** Events with tokens since `firstTokenAt`, for the live speed. */
    tokens = 0;
    firstTokenAt: number | null = null;
    isStoppedByCommand = false;
    /** Grows when text was removed, so that a copy of the text cannot be continued. */
    removals = 0;

    private readonly baseText: number;
    private readonly baseReasoning: number;
    private readonly startedAt: number;
    private reasoningSince: number | null = null;
    private marks: Mark[] = [];
    /** The stored answer had text of this stream: lengths before its events are unknown. */
    private marksFrom: number;

    constructor(message: Message) {
        this.text = message.text;
        this.reasoning = message.reasoning;
        this.toolCalls = [...message.toolCalls];
        this.cursor = message.stream?.cursor ?? null;
        this.state = message.state;
        this.statistics = message.statistics ?? noStatistics;
        this.probabilities = [...message.probabilities];
        this.warnings = [...message.warnings];
        this.isReasoningSkipped = message.isReasoningSkipped;
        this.model = message.model;
        this.baseText = message.stream?.baseText ?? 0;
        this.baseReasoning = message.stream?.baseReasoning ?? 0;
        this.startedAt = message.stream?.startedAt ?? message.createdAt;
        this.marksFrom = eventNumber(this.cursor);
    }

    /** Forgets what this generation wrote, so that its stream can be read from the first event. */
    restart(): void {
        this.removals += 1;
        this.text = this.text.slice(0, this.baseText);
        this.reasoning = this.reasoning.slice(0, this.baseReasoning);
        this.toolCalls = [];
        this.probabilities = [];
        this.cursor = null;
        this.marks = [];
        this.marksFrom = -1;
        this.reasoningSince = null;
    }

    /** Applies an event. `replay` = the text before a rewind is unknown here: read the stream from its first event. */
    append(event: ServerSentEvent, now: number): AnswerEnd {
        if (event.type === "handover") return "handover";
        if (event.id !== null && compareCursors(event.id, this.cursor) <= 0) return "open";
        this.mark(event.id);
        let end: AnswerEnd = "open";
        for (const comment of event.comments) {
            if (comment.startsWith("martlet-control ")) end = this.control(parse(comment.slice(16)), now);
            if (end === "replay") return end;
        }
        if (event.data === "[DONE]") {
            end = "ended";
            this.end(now);
        } else if (event.data !== null) {
            this.chunk(parse(event.data), now);
        }
        if (event.id !== null) this.cursor = event.id;
        return end;
    }

    private mark(id: string | null): void {
        const number = eventNumber(id);
        if (id === null || (this.marks.length > 0 && this.marks[this.marks.length - 1].event === number)) return;
        this.marks.push({
            event: number,
            text: this.text.length,
            reasoning: this.reasoning.length,
            toolCalls: this.toolCalls,
            probabilities: this.probabilities.length,
        });
    }

    private chunk(chunk: JSONValue | undefined, now: number): void {
        if (chunk === undefined) return;
        const error = member(chunk, "error");
        if (error !== undefined && error !== null) {
            this.failure = failureFrom(0, chunk, "The server reported an error");
            return;
        }
        const model = text(member(chunk, "model"));
        if (model) this.model = model;
        const warnings = member(chunk, "warnings");
        if (Array.isArray(warnings)) {
            for (const warning of warnings) {
                const words = text(warning) || text(member(warning, "message"));
                if (words && !this.warnings.includes(words)) this.warnings.push(words);
            }
        }
        this.progress(member(chunk, "prompt_progress"));
        this.count(chunk);
        const choices = member(chunk, "choices");
        for (const choice of Array.isArray(choices) ? choices : []) this.choice(choice, now);
    }

    private choice(choice: JSONValue, now: number): void {
        const delta = member(choice, "delta");
        const reasoning = text(member(delta, "reasoning_content"));
        const content = text(member(delta, "content"));
        const calls = member(delta, "tool_calls");
        if (reasoning) {
            this.reasoningSince ??= now;
            this.reasoning += reasoning;
            this.become("reasoning");
        }
        if (content) {
            this.endReasoning(now);
            this.text += content;
            this.become("answering");
        }
        if (Array.isArray(calls) && calls.length > 0) {
            this.endReasoning(now);
            for (const call of calls) this.call(call);
            this.become("tool");
        }
        if (reasoning || content || Array.isArray(calls)) {
            this.prompt = null;
            this.tokens += 1;
            if (this.firstTokenAt === null) {
                this.firstTokenAt = now;
                this.statistics = { ...this.statistics, firstToken: Math.max(0, now - this.startedAt) };
            }
        }
        this.probability(member(choice, "logprobs"), reasoning !== "");
        const finish = text(member(choice, "finish_reason"));
        if (finish) this.finishReason = finish;
    }

    /** A paused or stopping answer may still receive text that was on its way. */
    private become(state: MessageState): void {
        if (this.state !== "stopping" && this.state !== "paused") this.state = state;
    }

    private endReasoning(now: number): void {
        if (this.reasoningSince === null) return;
        const before = this.statistics.reasoningTime ?? 0;
        this.statistics = { ...this.statistics, reasoningTime: before + Math.max(0, now - this.reasoningSince) };
        this.reasoningSince = null;
    }

    private call(delta: JSONValue): void {
        const index = count(member(delta, "index")) ?? this.toolCalls.length;
        if (index < 0 || index > 1_000) return;
        // A copy, because marks refer to the list of their time.
        const calls = [...this.toolCalls];
        while (calls.length <= index) calls.push({ id: "", name: "", arguments: "" });
        const before = calls[index];
        const called = member(delta, "function");
        calls[index] = {
            id: text(member(delta, "id")) || before.id,
            name: before.name + text(member(called, "name")),
            arguments: before.arguments + text(member(called, "arguments")),
        };
        this.toolCalls = calls;
    }

    private probability(logprobs: JSONValue | undefined, isReasoning: boolean): void {
        const content = member(logprobs, "content");
        for (const entry of Array.isArray(content) ? content : []) {
            const top = member(entry, "top_logprobs");
            this.probabilities.push({
                token: text(member(entry, "token")),
                logprob: count(member(entry, "logprob")) ?? 0,
                alternatives: (Array.isArray(top) ? top : []).map(other => ({
                    token: text(member(other, "token")),
                    logprob: count(member(other, "logprob")) ?? 0,
                })),
                isReasoning,
            });
        }
    }

    private progress(progress: JSONValue | undefined): void {
        // The answer waits for its turn, and its prompt is known already.
        if (count(member(progress, "queue_position")) !== null) return;
        const total = count(member(progress, "total"));
        if (total === null) return;
        const processed = count(member(progress, "processed")) ?? 0;
        this.prompt = { total, processed, milliseconds: count(member(progress, "time_ms")) ?? 0 };
        if (this.state === "queued" || this.state === "loading" || this.state === "sending") this.state = "prompting";
    }

    private count(chunk: JSONValue): void {
        const timings = member(chunk, "timings");
        const usage = member(chunk, "usage");
        if (timings === undefined && usage === undefined) return;
        const old = this.statistics;
        const cached = count(member(member(usage, "prompt_tokens_details"), "cached_tokens"));
        this.statistics = {
            ...old,
            promptTokens: count(member(usage, "prompt_tokens")) ?? old.promptTokens,
            cachedTokens: cached ?? count(member(timings, "cache_n")) ?? old.cachedTokens,
            answerTokens: count(member(usage, "completion_tokens")) ?? count(member(timings, "predicted_n"))
                ?? old.answerTokens,
            reasoningTokens: count(member(member(usage, "completion_tokens_details"), "reasoning_tokens"))
                ?? old.reasoningTokens,
            promptTime: count(member(timings, "prompt_ms")) ?? old.promptTime,
            answerTime: count(member(timings, "predicted_ms")) ?? old.answerTime,
            promptPerSecond: count(member(timings, "prompt_per_second")) ?? old.promptPerSecond,
            answerPerSecond: count(member(timings, "predicted_per_second")) ?? old.answerPerSecond,
            cacheReport: member(timings, "cache") ?? old.cacheReport,
        };
    }

    /** A command that took effect; every tab that reads the stream sees it at the same place of the text. */
    private control(command: JSONValue | undefined, now: number): AnswerEnd {
        switch (text(member(command, "action"))) {
            case "pause":
                if (this.state !== "stopping") this.state = "paused";
                break;
            case "resume":
                if (this.state === "paused") this.state = this.text.length > this.baseText ? "answering" : "reasoning";
                break;
            case "reasoning_end":
                this.isReasoningSkipped = true;
                break;
            case "stop":
                this.isStoppedByCommand = true;
                break;
            case "rewind":
                return this.rewind(command, now);
        }
        return "open";
    }

    private rewind(command: JSONValue | undefined, now: number): AnswerEnd {
        const cut = count(member(command, "cut_event"));
        if (cut === null) return "open";
        let place = this.marks.length;
        while (place > 0 && this.marks[place - 1].event >= cut) place -= 1;
        const mark: Mark | undefined = this.marks[place];
        if (cut <= this.marksFrom || !mark) {
            // The stored text does not tell where the event began. Nothing of a stream is lost by reading it again.
            this.restart();
            return "replay";
        }
        this.removals += 1;
        this.text = this.text.slice(0, mark.text);
        this.reasoning = this.reasoning.slice(0, mark.reasoning);
        this.marks.length = place + 1;
        this.toolCalls = mark.toolCalls;
        this.probabilities.length = Math.min(this.probabilities.length, mark.probabilities);
        this.endReasoning(now);
        return "open";
    }

    private end(now: number): void {
        this.endReasoning(now);
        this.prompt = null;
        if (this.failure) this.state = "failed";
        else if (this.isStoppedByCommand || this.state === "stopping" || this.finishReason === "cancelled") {
            this.state = "stopped";
        } else this.state = "done";
    }
}

/** JSON, or undefined for a text that is none. */
export function parse(source: string): JSONValue | undefined {
    try {
        return JSON.parse(source) as JSONObject;
    } catch {
        return undefined;
    }
}
