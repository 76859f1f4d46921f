import { Suspense, useState } from "react";
import type { ConversationID, Thread } from "../../engine/types";
import { topics } from "../../engine/types";
import { percent, shortCount } from "../format";
import { useEngine, useTopic } from "../hooks";
import { part } from "../part";

const GaugeDetails = part(() => import("./GaugeDetails"), "GaugeDetails");

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
                <Suspense fallback={null}>
                    <GaugeDetails gauge={gauge} last={last?.id ?? null} />
                </Suspense>
            )}
        </div>
    );
}
