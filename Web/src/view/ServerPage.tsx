import { useEffect, useMemo, useRef, useState } from "react";
import type { MetricsPoint, Model, ServerGeneration } from "../engine/types";
import { topics } from "../engine/types";
import { bytes, count, duration, percent, rate, shortCount } from "./format";
import { useClock, useEngine, useTopic } from "./hooks";
import { Icon } from "./icons";
import { DeleteButton, DownloadForm } from "./parts/Downloads";
import { IconButton, Progress } from "./ui";

/** What the server does: models, requests, and the last hour in charts. */
export function ServerPage() {
    const engine = useEngine();
    const page = useTopic(topics.serverPage, current => current.serverPage());
    const feed = useTopic(topics.models, current => current.models());
    const server = useTopic(topics.server, current => current.server());
    const [minutes, setMinutes] = useState(5);
    useEffect(() => {
        engine.openServerPage();
        return () => engine.closeServerPage();
    }, [engine]);
    const points = useMemo(() => {
        const last = page.history[page.history.length - 1]?.time ?? 0;
        return page.history.filter(point => point.time > last - minutes * 60_000);
    }, [page.history, minutes]);
    const live = page.generations.filter(isLive);
    const ended = page.generations.filter(generation => !isLive(generation)).slice(0, 8);
    return (
        <div className="server">
            <header className="server-head">
                <h1>Server</h1>
                <p>
                    {server.build ?? ""}
                    {server.slots !== null && ` · ${server.slots} slots`}
                    {server.contextTokens !== null && ` · ${count(server.contextTokens)} tokens of context`}
                </p>
            </header>

            <section aria-labelledby="charts">
                <div className="section-head">
                    <h2 id="charts">Now</h2>
                    <div className="segments" role="group" aria-label="Time">
                        {[5, 15, 60].map(value => (
                            <button key={value} type="button" aria-pressed={minutes === value} onClick={() => setMinutes(value)}>
                                {value === 60 ? "1 h" : `${value} min`}
                            </button>
                        ))}
                    </div>
                </div>
                <div className="charts">
                    <Chart title="Tokens written" unit="/s" points={points} value={point => point["generated_tokens_per_second"] ?? null} form={rate} minutes={minutes} />
                    <Chart
                        title="First token"
                        unit=""
                        points={points}
                        value={point => scaled(point["first_token_seconds"], 1000)}
                        form={duration}
                        minutes={minutes}
                        isSparse
                    />
                    <Chart title="Running and waiting" unit="" points={points} value={point => (point["running"] ?? 0) + (point["waiting"] ?? 0)} form={count} minutes={minutes} isStep />
                    <Chart title="From the cache" unit="" points={points} value={cacheShare} form={percent} top={1} minutes={minutes} isSparse />
                </div>
                {!page.isHistoryOfServer && <p className="hint">The server keeps no history; the charts begin when this page opens.</p>}
            </section>

            <section aria-labelledby="requests">
                <h2 id="requests">Requests</h2>
                {live.length === 0 ? (
                    <p className="empty">Nothing runs and nothing waits.</p>
                ) : (
                    <ul className="cards">
                        {live.map(generation => (
                            <Generation key={generation.id} generation={generation} />
                        ))}
                    </ul>
                )}
                {ended.length > 0 && (
                    <details className="ended">
                        <summary>Ended recently</summary>
                        <ul className="cards">
                            {ended.map(generation => (
                                <Generation key={generation.id} generation={generation} />
                            ))}
                        </ul>
                    </details>
                )}
            </section>

            <section aria-labelledby="models">
                <h2 id="models">Models</h2>
                {feed.isManaged && <DownloadForm freeBytes={feed.freeBytes} />}
                <ul className="cards">
                    {feed.models.map(model => (
                        <ModelCard key={model.name} model={model} isManaged={feed.isManaged} />
                    ))}
                </ul>
            </section>

            {page.problems.length > 0 && (
                <section aria-labelledby="problems">
                    <h2 id="problems">Recent errors</h2>
                    <ul className="problems">
                        {page.problems.map((problem, index) => (
                            <li key={index}>{problem}</li>
                        ))}
                    </ul>
                </section>
            )}
        </div>
    );
}

/** The states of the server in which a generation neither runs nor waits. */
const endedStates = new Set(["finished", "failed", "completed", "cancelled", "stopped", "ended", "incomplete"]);

function isLive(generation: ServerGeneration): boolean {
    return !endedStates.has(generation.state) && generation.finishReason === null;
}

function scaled(value: number | null | undefined, factor: number): number | null {
    return value === null || value === undefined ? null : value * factor;
}

/** The share of prompt tokens that the cache held; null in a second without prompts. */
function cacheShare(point: MetricsPoint): number | null {
    const cached = point["cached_tokens_per_second"] ?? 0;
    const all = cached + (point["prompt_tokens_per_second"] ?? 0);
    return all > 0 ? cached / all : null;
}

function Generation({ generation }: { generation: ServerGeneration }) {
    const engine = useEngine();
    const live = isLive(generation);
    const now = useClock(live);
    // A generation of this browser has the names of its chat and message as its label.
    const [conversation = "", message = ""] = (generation.label ?? "").split(".");
    const own = engine.conversations().find(row => row.conversation.id === conversation)?.conversation;
    const isPaused = live && engine.message(message)?.state === "paused";
    const state = isPaused ? "paused" : generation.state.replace(/_/g, " ");
    const control = (action: "stop" | "pause" | "resume" | "reasoning_end"): void => void engine.control(generation.id, action);
    return (
        <li className="card">
            <span className={live ? (isPaused ? "pulse is-still" : "pulse") : "dot"} aria-hidden="true" />
            <div className="card-text">
                <strong>{own ? <a href={`#/c/${encodeURIComponent(own.id)}`}>{own.title}</a> : nameOf(generation)}</strong>
                <span className="card-facts">
                    <span>{state}</span>
                    <span>{generation.model}</span>
                    <span>{count(generation.tokens)} tokens</span>
                    <span>{duration(Math.max(0, now - generation.createdAt))}{live ? "" : " ago"}</span>
                    {generation.queuePosition !== null && <span>place {generation.queuePosition} of the queue</span>}
                    {generation.finishReason && generation.finishReason !== state && <span>{generation.finishReason}</span>}
                </span>
            </div>
            {live && (
                <div className="card-actions">
                    <IconButton icon="skip" label="Skip thinking" onClick={() => control("reasoning_end")} />
                    {isPaused ? (
                        <IconButton icon="play" label="Go on" isFilled onClick={() => control("resume")} />
                    ) : (
                        <IconButton icon="pause" label="Pause" onClick={() => control("pause")} />
                    )}
                    <IconButton icon="stop" label="Stop" isFilled onClick={() => control("stop")} />
                </div>
            )}
        </li>
    );
}

/** The name of a request that belongs to no chat of this browser. */
function nameOf({ label, id }: ServerGeneration): string {
    if (label === null) return id;
    return /^\w+\.\w+\.\d+$/.test(label) ? "Chat of another browser" : label;
}

function ModelCard({ model, isManaged }: { model: Model; isManaged: boolean }) {
    const engine = useEngine();
    const isBusy = model.status === "loading" || model.status === "downloading";
    const facts = [
        model.quantization,
        model.parameters ? `${shortCount(model.parameters)} parameters` : null,
        model.size ? `${bytes(model.size)} on disk` : null,
        model.memory ? `${bytes(model.memory)} of memory${model.fits === false ? ", does not fit" : ""}` : null,
        model.contextTokens ? `${count(model.contextTokens)} tokens of context` : null,
    ].filter((fact): fact is string => fact !== null);
    return (
        <li className="card">
            <span className={`dot is-${model.status}`} aria-hidden="true" />
            <div className="card-text">
                <strong>{model.name}</strong>
                <span className="card-facts">
                    <span className={`status-word is-${model.status}`}>{model.statusWords}</span>
                    {facts.map(fact => (
                        <span key={fact}>{fact}</span>
                    ))}
                </span>
                {isBusy && <Progress value={model.progress} label={model.statusWords} />}
            </div>
            {isManaged && (
                <div className="card-actions">
                    {(model.status === "unloaded" || model.status === "failed") && <DeleteButton model={model} />}
                    {isBusy ? (
                        <IconButton icon="close" label={`Cancel ${model.name}`} onClick={() => void engine.cancelLoad(model.name)} />
                    ) : model.status === "loaded" ? (
                        <IconButton icon="eject" label={`Unload ${model.name}`} onClick={() => void engine.unloadModel(model.name)} />
                    ) : (
                        <IconButton icon="load" label={`Load ${model.name}`} onClick={() => void engine.loadModel(model.name)} />
                    )}
                </div>
            )}
        </li>
    );
}

const WIDTH = 600;
const HEIGHT = 96;

/** A figure over time: the newest value in large, its course below. The pointer shows an earlier value. */
function Chart(props: {
    title: string;
    unit: string;
    points: readonly MetricsPoint[];
    value: (point: MetricsPoint) => number | null;
    form: (value: number) => string;
    minutes: number;
    /** The value at the upper edge; absent = the largest value. */
    top?: number;
    /** Most seconds have no value: single values are joined. */
    isSparse?: boolean;
    isStep?: boolean;
}) {
    const frame = useRef<SVGSVGElement>(null);
    const [hovered, setHovered] = useState<number | null>(null);
    const { points, minutes } = props;
    const end = points[points.length - 1]?.time ?? Date.now();
    // A young server fills the chart with what there is.
    const oldest = Math.min(points[0]?.time ?? end, end - 60_000);
    const begin = oldest < end - minutes * 60_000 + 3000 ? end - minutes * 60_000 : oldest;
    const values = points
        .map(point => ({ time: point.time, value: props.value(point) }))
        .filter((point): point is { time: number; value: number } => point.value !== null);
    const top = props.top ?? Math.max(...values.map(point => point.value), 1e-9);
    const x = (time: number): number => ((time - begin) / (end - begin)) * WIDTH;
    const y = (value: number): number => HEIGHT - 3 - (Math.min(value, top) / top) * (HEIGHT - 8);
    let line = "";
    values.forEach((point, index) => {
        const previous = values[index - 1];
        const isGap = !props.isSparse && previous && point.time - previous.time > 5000;
        const command = index === 0 || isGap ? "M" : props.isStep && previous ? `L${x(point.time).toFixed(1)} ${y(previous.value).toFixed(1)}L` : "L";
        line += `${command}${x(point.time).toFixed(1)} ${y(point.value).toFixed(1)}`;
    });
    const first = values[0];
    const latest = values[values.length - 1];
    const area = line && first && latest ? `${line}L${x(latest.time).toFixed(1)} ${HEIGHT}L${x(first.time).toFixed(1)} ${HEIGHT}Z` : "";
    const shown = hovered === null ? latest : values[hovered];
    const words = shown ? props.form(shown.value) + props.unit : "–";
    return (
        <figure className="chart">
            <figcaption>
                <span>{props.title}</span>
                <strong>{words}</strong>
            </figcaption>
            <svg
                ref={frame}
                viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
                preserveAspectRatio="none"
                role="img"
                aria-label={`${props.title}: ${words}; at most ${values.length > 0 ? props.form(top) + props.unit : "nothing"} in ${minutes} minutes`}
                onPointerMove={event => {
                    const box = frame.current?.getBoundingClientRect();
                    if (!box || values.length === 0) return;
                    const time = begin + ((event.clientX - box.left) / box.width) * (end - begin);
                    let nearest = 0;
                    values.forEach((point, index) => {
                        if (Math.abs(point.time - time) < Math.abs((values[nearest]?.time ?? 0) - time)) nearest = index;
                    });
                    setHovered(nearest);
                }}
                onPointerLeave={() => setHovered(null)}
            >
                <path className="chart-area" d={area} />
                <path className="chart-line" d={line} vectorEffect="non-scaling-stroke" />
                {hovered !== null && shown && (
                    <path className="chart-cursor" d={`M${x(shown.time)} 0V${HEIGHT}`} vectorEffect="non-scaling-stroke" />
                )}
            </svg>
            <div className="chart-axis" aria-hidden="true">
                <span>{duration(hovered !== null && shown ? end - shown.time : end - begin)} ago</span>
                <span>{values.length > 0 && props.top === undefined ? `max ${props.form(top)}${props.unit}` : ""}</span>
            </div>
        </figure>
    );
}

/** A link back to the chats, for narrow windows. */
export function BackToChats() {
    return (
        <a className="icon-button" href="#/" aria-label="Back to the chats">
            <Icon name="left" />
        </a>
    );
}
