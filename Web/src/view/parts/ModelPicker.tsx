import { Suspense, useEffect, useRef, useState } from "react";
import type { ConversationID, Model } from "../../engine/types";
import { topics } from "../../engine/types";
import { useEngine, useTopic } from "../hooks";
import { Icon } from "../icons";
import { part } from "../part";
import { Progress } from "../ui";

const ModelList = part(() => import("./ModelList"), "ModelList");
const ModelDialog = part(() => import("./ModelDialog"), "ModelDialog");

/** The model of the conversation, and the list of all models. */
export function ModelPicker({ id, chosen }: { id: ConversationID | null; chosen: string | null }) {
    const engine = useEngine();
    const feed = useTopic(topics.models, current => current.models());
    const [isOpen, setOpen] = useState(false);
    // Without a choice the answer comes from the model that the engine names, too (`modelOf`).
    const first = feed.models.find(other => other.status === "loaded") ?? feed.models[0];
    const name = chosen ?? feed.defaultModel ?? first?.name ?? null;
    const model = feed.models.find(other => other.name === name || other.aliases.includes(name ?? ""));
    const status = model?.status ?? (feed.connection === "live" && name ? "missing" : "unknown");
    const trigger = useRef<HTMLButtonElement>(null);
    useEffect(() => {
        const onKey = (event: KeyboardEvent): void => {
            if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "m") {
                event.preventDefault();
                setOpen(true);
            }
        };
        addEventListener("keydown", onKey);
        return () => removeEventListener("keydown", onKey);
    }, []);
    const [described, setDescribed] = useState<Model | null>(null);
    const busy = model && (model.status === "loading" || model.status === "downloading") ? model : undefined;
    return (
        <div className="picker">
            <button
                ref={trigger}
                type="button"
                className="picker-trigger"
                aria-haspopup="dialog"
                aria-expanded={isOpen}
                title={model?.statusWords}
                onClick={() => setOpen(!isOpen)}
            >
                <span className={`dot is-${status}`} aria-hidden="true" />
                <span className="picker-name">{name ?? "No model"}</span>
                <span className="visually-hidden">, model, {model?.statusWords ?? (status === "missing" ? "not on this server" : "")}</span>
                <Icon name="down" />
                {busy && <Progress value={busy.progress} label={busy.statusWords} />}
            </button>
            {status === "missing" && <span className="missing">not on this server</span>}
            {busy && <span className="picker-words">{busy.statusWords}</span>}
            <Suspense fallback={null}>
            {isOpen && (
                <ModelList
                    id={id}
                    onDescribe={setDescribed}
                    models={feed.models}
                    isManaged={feed.isManaged}
                    chosen={model?.name ?? null}
                    onClose={() => {
                        setOpen(false);
                        trigger.current?.focus();
                    }}
                    onChoose={next => void engine.chooseModel(id, next)}
                />
            )}
                {described && <ModelDialog model={described} onClose={() => setDescribed(null)} />}
            </Suspense>
        </div>
    );
}
