import { useState } from "react";
import type { Model } from "../../engine/types";
import { bytes } from "../format";
import { useEngine } from "../hooks";
import { IconButton } from "../ui";

/** Asks the server to download a model; the progress is in the list of models. */
export function DownloadForm({ freeBytes }: { freeBytes: number | null }) {
    const engine = useEngine();
    const [name, setName] = useState("");
    const isName = /^[\w.-]+\/[\w.-]+(:[\w.-]+)?$/.test(name.trim());
    return (
        <form
            className="download"
            onSubmit={event => {
                event.preventDefault();
                if (!isName) return;
                void engine.downloadModel(name.trim());
                setName("");
            }}
        >
            <label htmlFor="download" className="visually-hidden">
                Model of Hugging Face
            </label>
            <input id="download" placeholder="ORG/NAME:QUANTIZATION of Hugging Face" autoComplete="off" spellCheck={false} value={name} onChange={event => setName(event.target.value)} />
            <button type="submit" className="button" disabled={!isName}>
                Download
            </button>
            {freeBytes !== null && <span className="hint">{bytes(freeBytes)} free on its disk</span>}
        </form>
    );
}

/** Deletes the files of a model, after a second press. */
export function DeleteButton({ model }: { model: Model }) {
    const engine = useEngine();
    const [isAsked, setAsked] = useState(false);
    if (!isAsked) return <IconButton icon="trash" label={`Delete the files of ${model.name}`} onClick={() => setAsked(true)} />;
    return (
        <button type="button" className="button dangerous" autoFocus onBlur={() => setAsked(false)} onClick={() => void engine.deleteModel(model.name)}>
            Delete the files
        </button>
    );
}
