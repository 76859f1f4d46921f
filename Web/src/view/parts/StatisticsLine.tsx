import { useState } from "react";
import type { Message } from "../../engine/types";
import { count, duration, percent, rate } from "../format";
import { useEngine } from "../hooks";

/** One quiet line about an answer; a click shows every figure. */
export function StatisticsLine({ message }: { message: Message }) {
    const [isOpen, setOpen] = useState(false);
    const figures = message.statistics;
    const parts: string[] = [];
    if (figures?.answerTokens != null) parts.push(`${count(figures.answerTokens)} tokens`);
    if (figures?.answerPerSecond != null) parts.push(`${rate(figures.answerPerSecond)}/s`);
    if (figures?.firstToken != null) parts.push(`first after ${duration(figures.firstToken)}`);
    if (parts.length === 0) return null;
    return (
        <>
            <button type="button" className="statistics" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
                {parts.join(" · ")}
            </button>
            {isOpen && <Details message={message} />}
        </>
    );
}

function Details({ message }: { message: Message }) {
    const engine = useEngine();
    const [reason, setReason] = useState<string | null>(null);
    const figures = message.statistics;
    if (!figures) return null;
    const { promptTokens, cachedTokens } = figures;
    const rows: [string, string | null][] = [
        ["Model", message.model],
        ["Prompt", promptTokens === null ? null : `${count(promptTokens)} tokens`],
        ["Read", figures.promptTime === null ? null : `${duration(figures.promptTime)}` + per(figures.promptPerSecond)],
        ["Written", figures.answerTime === null ? null : `${duration(figures.answerTime)}` + per(figures.answerPerSecond)],
        ["Thinking", figures.reasoningTokens ? `${count(figures.reasoningTokens)} tokens` : null],
        ["First token", figures.firstToken === null ? null : `after ${duration(figures.firstToken)}`],
        [
            "From the cache",
            cachedTokens === null
                ? null
                : `${count(cachedTokens)} tokens` + (promptTokens ? `, ${percent(cachedTokens / promptTokens)}` : ""),
        ],
        ["Ended", message.finishReason],
    ];
    return (
        <div className="figures">
            <dl>
                {rows
                    .filter((row): row is [string, string] => row[1] !== null)
                    .map(([name, value]) => (
                        <div key={name}>
                            <dt>{name}</dt>
                            <dd>{value}</dd>
                        </div>
                    ))}
            </dl>
            {message.warnings.map(warning => (
                <p key={warning}>{warning}</p>
            ))}
            {reason === null ? (
                <button
                    type="button"
                    className="link-button"
                    onClick={() => {
                        void engine.explainCache(message.id).then(text => setReason(text ?? "The server does not know any more."));
                    }}
                >
                    Why was the cache used or not?
                </button>
            ) : (
                <p>{reason}</p>
            )}
        </div>
    );
}

function per(speed: number | null): string {
    return speed === null ? "" : `, ${rate(speed)} tokens/s`;
}
