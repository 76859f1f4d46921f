import type { ContextGauge, JSONValue, Message } from "./types";
import { words } from "./words";

/** From this share on a conversation is nearly full. */
const nearlyFull = 0.8;

/**
 * How much of the context the visible branch uses, by the counts of its last answer that has them.
 *
 * Example: the last answer read 900 tokens, 700 of them from the cache, and wrote 100: used 1,000, cached 700, fresh 200.
 */
export function gaugeOf(messages: readonly Message[], limit: number | null): ContextGauge {
    for (let place = messages.length - 1; place >= 0; place -= 1) {
        const statistics = messages[place].statistics;
        if (!statistics || statistics.promptTokens === null) continue;
        const cached = statistics.cachedTokens ?? 0;
        const answer = statistics.answerTokens ?? 0;
        const used = statistics.promptTokens + answer;
        const share = limit === null || limit <= 0 ? null : Math.min(1, used / limit);
        return {
            limit,
            used,
            cached,
            fresh: Math.max(0, statistics.promptTokens - cached),
            answer,
            share,
            isNearlyFull: share !== null && share >= nearlyFull,
        };
    }
    return { limit, used: 0, cached: 0, fresh: 0, answer: 0, share: limit === null ? null : 0, isNearlyFull: false };
}

/** The server's cache report (`timings.cache`) in words, or null if there is none. */
export function explainedCache(report: JSONValue): string | null {
    if (typeof report !== "object" || report === null || Array.isArray(report)) return null;
    const reason = typeof report.reason === "string" ? report.reason : "";
    const text = words.cache[reason];
    const reused = typeof report.reused === "number" ? report.reused : null;
    const head = reused === null ? "" : `${reused} tokens came from the cache. `;
    if (reason !== "differs") return text === undefined ? null : head + text;
    const difference = report.difference;
    if (typeof difference !== "object" || difference === null || Array.isArray(difference)) return head + words.cache.empty;
    const quote = (value: JSONValue | undefined): string => (typeof value === "string" ? JSON.stringify(value.slice(0, 60)) : "?");
    return `${head}${words.cache.differs} ${String(difference.token ?? difference.index ?? "?")}: `
        + `${quote(difference.prompt)} instead of ${quote(difference.cached)}.`;
}
