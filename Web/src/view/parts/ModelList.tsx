import { useEffect, useId, useMemo, useRef, useState } from "react";
import type { ConversationID, Model } from "../../engine/types";
import { topics } from "../../engine/types";
import { useBack } from "../back";
import { bytes, shortCount } from "../format";
import { useEngine, useTopic } from "../hooks";
import { Icon } from "../icons";
import { IconButton, Progress } from "../ui";

const groups = ["Favourites", "In memory", "Available"] as const;

function groupOf(model: Model): (typeof groups)[number] {
    if (model.isFavourite) return "Favourites";
    return model.status === "unloaded" || model.status === "failed" ? "Available" : "In memory";
}

/** The models with search; arrows follow the visible order, Enter chooses. */
export function ModelList(props: {
    id: ConversationID | null;
    onDescribe: (model: Model) => void;
    models: readonly Model[];
    isManaged: boolean;
    chosen: string | null;
    onClose: () => void;
    onChoose: (name: string) => void;
}) {
    const engine = useEngine();
    const [query, setQuery] = useState("");
    const listID = useId();
    useBack(true, props.onClose);
    const root = useRef<HTMLDivElement>(null);
    const sorted = useMemo(() => {
        const words = query.toLowerCase().split(/\s+/).filter(Boolean);
        const found = props.models.filter(model => {
            const text = [model.name, ...model.aliases, model.quantization ?? "", ...abilities(model)].join(" ").toLowerCase();
            return words.every(word => text.includes(word));
        });
        return groups.flatMap(group => found.filter(model => groupOf(model) === group));
    }, [props.models, query]);
    const [active, setActive] = useState(() => Math.max(0, sorted.findIndex(model => model.name === props.chosen)));
    const at = Math.min(active, sorted.length - 1);
    useEffect(() => {
        root.current?.querySelector("input")?.focus();
        const outside = (event: Event): void => {
            if (!root.current?.parentElement?.contains(event.target as Node)) props.onClose();
        };
        // A button that has done its work is gone, and the focus with it; Escape still closes the list, and stops no answer.
        const escape = (event: KeyboardEvent): void => {
            if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
            event.preventDefault();
            props.onClose();
        };
        document.addEventListener("pointerdown", outside);
        document.addEventListener("keydown", escape);
        return () => {
            document.removeEventListener("pointerdown", outside);
            document.removeEventListener("keydown", escape);
        };
    }, []);
    useEffect(() => {
        document.getElementById(`${listID}-${at}`)?.scrollIntoView({ block: "nearest" });
    }, [at, listID]);
    const choose = (model: Model | undefined): void => {
        if (!model) return;
        props.onChoose(model.name);
        const isAsleep = model.status === "unloaded" || model.status === "sleeping";
        if (props.isManaged && isAsleep && engine.setting(props.id, "loadOnChoice") === true) void engine.loadModel(model.name);
        props.onClose();
    };
    let previous = "";
    return (
        <div className="picker-list" ref={root} role="dialog" aria-label="Models">
            <div className="picker-search">
                <Icon name="search" />
                <input
                    role="combobox"
                    aria-label="Search models"
                    aria-expanded="true"
                    aria-controls={listID}
                    aria-activedescendant={sorted.length > 0 ? `${listID}-${at}` : undefined}
                    placeholder="Search models"
                    value={query}
                    onChange={event => {
                        setQuery(event.target.value);
                        setActive(0);
                    }}
                    onKeyDown={event => {
                        const model = sorted[at];
                        if (event.key === "ArrowDown") setActive(Math.min(sorted.length - 1, at + 1));
                        else if (event.key === "ArrowUp") setActive(Math.max(0, at - 1));
                        else if (event.key === "Enter" && event.altKey) {
                            if (model) void engine.unloadModel(model.name);
                        } else if (event.key === "Enter") choose(model);
                        else if (event.key === "Escape") props.onClose();
                        else return;
                        event.preventDefault();
                        event.stopPropagation();
                    }}
                />
                <IconButton icon="close" label="Close" className="sheet-close" onClick={props.onClose} />
            </div>
            <div id={listID} role="listbox" aria-label="Models" className="picker-rows">
                {sorted.map((model, index) => {
                    const group = groupOf(model);
                    const isFirst = group !== previous;
                    previous = group;
                    return (
                        <div key={model.name} role="presentation">
                            {isFirst && (
                                <p className="group" role="presentation">
                                    {group}
                                </p>
                            )}
                            <div className={index === at ? "model-row is-active" : "model-row"} role="presentation">
                                <div
                                    id={`${listID}-${index}`}
                                    role="option"
                                    aria-selected={model.name === props.chosen}
                                    className="model-main"
                                    onClick={() => choose(model)}
                                    onPointerMove={() => setActive(index)}
                                >
                                    <Row model={model} />
                                </div>
                            </div>
                        </div>
                    );
                })}
                {sorted.length === 0 && <p className="empty">No model has “{query}” in its name.</p>}
            </div>
            {sorted[at] && <ModelTools id={props.id} model={sorted[at] as Model} isManaged={props.isManaged} onDescribe={props.onDescribe} />}
        </div>
    );
}

/** The commands for the active model: below the list, so that they are reachable by touch and by keyboard. */
function ModelTools(props: {
    id: ConversationID | null;
    model: Model;
    isManaged: boolean;
    onDescribe: (model: Model) => void;
}) {
    const { id, model, isManaged } = props;
    const engine = useEngine();
    useTopic(topics.settings, current => current.settings(id));
    const effort = engine.setting(id, "reasoning_effort");
    const isBusy = model.status === "loading" || model.status === "downloading";
    const canLoad = isManaged && (model.status === "unloaded" || model.status === "failed" || model.status === "sleeping");
    return (
        <div className="picker-tools">
            <span className="picker-tools-name">{model.name}</span>
            {model.memory !== null && (
                <span className={model.fits === false ? "fit is-bad" : "fit"}>
                    {bytes(model.memory)} {model.fits === false ? "does not fit" : "needed"}
                </span>
            )}
            <span className="spacer" />
            {model.canThink && (
                <select
                    aria-label="Reasoning effort"
                    value={typeof effort === "string" ? effort : ""}
                    onChange={event => void engine.setSetting(id, "reasoning_effort", event.target.value || undefined)}
                >
                    <option value="">thinks as it likes</option>
                    <option value="none">does not think</option>
                    {["minimal", "low", "medium", "high"].map(value => (
                        <option key={value} value={value}>
                            thinks: {value}
                        </option>
                    ))}
                </select>
            )}
            <IconButton icon="info" label={`About ${model.name}`} onClick={() => props.onDescribe(model)} />
            <IconButton
                icon="star"
                label={model.isFavourite ? "No favourite any more" : "Favourite"}
                isPressed={model.isFavourite}
                isFilled={model.isFavourite}
                onClick={() => void engine.setFavourite(model.name, !model.isFavourite)}
            />
            {isBusy && isManaged && (
                <button type="button" className="button quiet" onClick={() => void engine.cancelLoad(model.name)}>
                    Cancel
                </button>
            )}
            {canLoad && (
                <button type="button" className="button quiet" onClick={() => void engine.loadModel(model.name)}>
                    {model.status === "failed" ? "Try again" : "Load now"}
                </button>
            )}
            {isManaged && model.status === "loaded" && (
                <button type="button" className="button quiet" onClick={() => void engine.unloadModel(model.name)}>
                    Unload
                </button>
            )}
        </div>
    );
}

/** Name, status in words and abilities of a model. */
function Row({ model }: { model: Model }) {
    const facts = [
        model.parameters ? `${shortCount(model.parameters).replace("M", " M")}` : null,
        model.quantization,
        model.size ? bytes(model.size) : null,
        model.contextTokens ? `${shortCount(model.contextTokens)} context` : null,
    ].filter((fact): fact is string => fact !== null);
    const isBusy = model.status === "loading" || model.status === "downloading";
    return (
        <>
            <span className={`dot is-${model.status}`} aria-hidden="true" />
            <span className="model-text">
                <span className="model-name">{model.name}</span>
                <span className="model-facts">
                    <span className={`status-word is-${model.status}`}>{model.statusWords}</span>
                    {facts.map(fact => (
                        <span key={fact}>{fact}</span>
                    ))}
                </span>
                {isBusy && <Progress value={model.progress} label={model.statusWords} />}
            </span>
            <span className="badges">
                {abilities(model).map(ability => (
                    <span key={ability} className="badge">
                        {ability}
                    </span>
                ))}
            </span>
        </>
    );
}

function abilities(model: Model): string[] {
    return [model.canSee ? "sees" : "", model.canHear ? "hears" : "", model.canThink ? "thinks" : "", model.canCallTools ? "tools" : ""].filter(
        Boolean,
    );
}
