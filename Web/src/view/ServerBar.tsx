import { useState } from "react";
import { topics } from "../engine/types";
import { useEngine, useTopic } from "./hooks";

/** The state of the server, if it is not simply ready: a key, a load, a lost connection, a new version. */
export function ServerBar() {
    const engine = useEngine();
    const server = useTopic(topics.server, current => current.server());
    const [key, setKey] = useState("");
    const [keeps, setKeeps] = useState(false);
    if (server.status === "keyNeeded" || server.status === "keyRefused") {
        return (
            <form
                className="bar key-form"
                onSubmit={event => {
                    event.preventDefault();
                    void engine.setKey(key.trim(), keeps ? "browser" : "session");
                }}
            >
                <label htmlFor="key">{server.status === "keyRefused" ? "The server refuses this key" : "This server needs a key"}</label>
                <input id="key" type="password" autoComplete="off" value={key} onChange={event => setKey(event.target.value)} />
                <label className="check">
                    <input type="checkbox" checked={keeps} onChange={event => setKeeps(event.target.checked)} /> keep it in this browser
                </label>
                <button type="submit" className="button primary" disabled={key.trim() === ""}>
                    Use
                </button>
            </form>
        );
    }
    const words = server.storageProblem ?? (server.isOutdated ? "A new version of this page is there." : server.status === "ready" || server.status === "connecting" ? server.historyProblem ?? "" : server.words);
    if (words === "") return null;
    return (
        <div className={server.storageProblem ? "bar is-bad" : "bar"} role="status">
            <span>{words}</span>
            {server.isOutdated && !server.storageProblem && (
                <button type="button" className="link-button" onClick={() => location.reload()}>
                    Reload
                </button>
            )}
        </div>
    );
}
