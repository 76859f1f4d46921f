import { useState } from "react";
import type { ConversationID, Thread } from "../../engine/types";
import { topics } from "../../engine/types";
import { count, percent, shortCount } from "../format";
import { useEngine, useTopic } from "../hooks";

/** How full the context is, as a ring; a click shows the parts. */
export function Gauge({ id, thread }: { id: ConversationID; thread: Thread }) {
    const engine = useEngine();
    const [isOpen, setOpen] = useState(false);
    useTopic(topics.server, current => current.server());
    const gauge = engine.gauge(id);
    if (gauge.share === null || gauge.used === 0) return null;
    const share = Math.min(1, gauge.share);
    const last = [...thread.messages].reverse().find(message => message.role === "assistant");
    return (
        <div className="gauge">
            <button
                type="button"
                className={gauge.isNearlyFull ? "gauge-button is-full" : "gauge-button"}
                aria-expanded={isOpen}
                aria-label={`Context: ${percent(share)} used`}
                title={`Context: ${percent(share)} used`}
                onClick={() => setOpen(!isOpen)}
            >
                <svg viewBox="0 0 36 36" aria-hidden="true">
                    <circle cx="18" cy="18" r="14" pathLength="100" />
                    <circle cx="18" cy="18" r="14" pathLength="100" strokeDasharray={`${share * 100} 100`} />
                </svg>
                <span>{shortCount(gauge.used)}</span>
            </button>
            {isOpen && (
                <div className="gauge-list" role="group" aria-label="Context">
                    <p>
                        <strong>{count(gauge.used)}</strong> of {gauge.limit === null ? "?" : count(gauge.limit)} tokens
                    </p>
                    <p className="stack" aria-hidden="true">
                        <span className="is-cached" style={{ flexGrow: gauge.cached }} />
                        <span className="is-fresh" style={{ flexGrow: gauge.fresh }} />
                        <span className="is-answer" style={{ flexGrow: gauge.answer }} />
                        <span style={{ flexGrow: Math.max(0, (gauge.limit ?? 0) - gauge.used) }} />
                    </p>
                    <dl>
                        <div>
                            <dt className="is-cached">From the cache</dt>
                            <dd>{count(gauge.cached)}</dd>
                        </div>
                        <div>
                            <dt className="is-fresh">Read anew</dt>
                            <dd>{count(gauge.fresh)}</dd>
                        </div>
                        <div>
                            <dt className="is-answer">Answer</dt>
                            <dd>{count(gauge.answer)}</dd>
                        </div>
                    </dl>
                    {gauge.isNearlyFull && <p className="hint">The context is nearly full. A new chat begins empty.</p>}
                    {last && <CacheReason id={last.id} />}
                </div>
            )}
        </div>
    );
}

function CacheReason({ id }: { id: string }) {
    const engine = useEngine();
    const [reason, setReason] = useState<string | null>(null);
    if (reason !== null) return <p className="hint">{reason}</p>;
    return (
        <button
            type="button"
            className="link-button"
            onClick={() => void engine.explainCache(id).then(text => setReason(text ?? "The server does not know any more."))}
        >
            Why was the cache used or not?
        </button>
    );
}
