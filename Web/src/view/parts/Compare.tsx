import { useState } from "react";
import { isRunning } from "../../engine/actions";
import type { Message, MessageID } from "../../engine/types";
import { topics } from "../../engine/types";
import { rate } from "../format";
import { useEngine, useMessage, useStream, useTopic } from "../hooks";
import { Dialog } from "../ui";
import { Answer } from "./Answer";

/** The versions of an answer side by side, live while they are written; on a phone a swipe goes to the next one. */
export function CompareDialog({ message, onClose }: { message: Message; onClose: () => void }) {
    const engine = useEngine();
    useTopic(topics.thread(message.conversation), current => current.versions(message.id).versions.join());
    const { versions } = engine.versions(message.id);
    return (
        <Dialog title={`${versions.length} versions`} className="compare" onClose={onClose}>
            <div className="columns">
                {versions.map((id, index) => (
                    <Column
                        key={id}
                        id={id}
                        place={index + 1}
                        onKeep={() => {
                            void engine.selectVersion(id);
                            onClose();
                        }}
                    />
                ))}
            </div>
        </Dialog>
    );
}

function Column({ id, place, onKeep }: { id: MessageID; place: number; onKeep: () => void }) {
    const message = useMessage(id);
    const stream = useStream(id);
    if (!message) return null;
    const speed = message.statistics?.answerPerSecond;
    const words = isRunning(message.state) ? stream?.words || "Writing" : message.failure?.message ?? (speed != null ? `${rate(speed)} tokens/s` : message.state);
    return (
        <section className="column" aria-label={`Version ${place}${message.model ? ", " + message.model : ""}`} tabIndex={0}>
            <header>
                <strong>{message.model ?? "Version"}</strong>
                <small>{words}</small>
                <button type="button" className="button" onClick={onKeep}>
                    Go on with this
                </button>
            </header>
            <Answer id={id} />
        </section>
    );
}

/** Asks several models the same, and shows their answers side by side. */
export function AskModelsDialog({ message, onClose }: { message: Message; onClose: () => void }) {
    const engine = useEngine();
    const feed = useTopic(topics.models, current => current.models());
    const others = feed.models.filter(model => model.name !== message.model);
    const [chosen, setChosen] = useState<readonly string[]>(others.filter(model => model.status !== "failed").slice(0, 1).map(model => model.name));
    const [isAsked, setAsked] = useState(false);
    if (isAsked) return <CompareDialog message={message} onClose={onClose} />;
    return (
        <Dialog
            title="Compare models"
            onClose={onClose}
            actions={
                <button
                    type="button"
                    className="button primary"
                    disabled={chosen.length === 0}
                    onClick={() => {
                        for (const model of chosen) void engine.regenerate(message.id, { model });
                        setAsked(true);
                    }}
                >
                    Compare
                </button>
            }
        >
            <p className="hint">Each chosen model answers the same question, as a new version beside this one.</p>
            {others.map(({ name, statusWords }) => (
                <label className="check" key={name}>
                    <input
                        type="checkbox"
                        checked={chosen.includes(name)}
                        disabled={!chosen.includes(name) && chosen.length >= 2}
                        onChange={event => setChosen(event.target.checked ? [...chosen, name] : chosen.filter(other => other !== name))}
                    />{" "}
                    {name} <small>{statusWords}</small>
                </label>
            ))}
        </Dialog>
    );
}
