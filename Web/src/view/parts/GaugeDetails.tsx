import { useState } from "react";
import type { ContextGauge, MessageID } from "../../engine/types";
import { count } from "../format";
import { useEngine } from "../hooks";

/** The parts of the context, and why the cache was used or not. `last` is the last answer. */
export function GaugeDetails({ gauge, last }: { gauge: ContextGauge; last: MessageID | null }) {
    return (
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
            {last && <CacheReason id={last} />}
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
