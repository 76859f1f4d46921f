import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createBrowserEngine } from "../engine/browser";
import "../styles/main.css";
import { App, preloadParts } from "./App";
import { EngineContext } from "./hooks";

/** Starts the page: first the stored conversations, then the connection to the server. */
async function start(): Promise<void> {
    performance.mark("martlet.scripts");
    const engine = await createBrowserEngine();
    performance.mark("martlet.storage");
    const root = document.getElementById("root");
    if (!root) throw new Error("start: index.html has no element with the id root");
    await engine.start();
    performance.mark("martlet.engine");
    createRoot(root).render(
        <StrictMode>
            <EngineContext.Provider value={engine}>
                <App />
            </EngineContext.Provider>
        </StrictMode>,
    );
    // For scripts/page-figures: scripts run, storage open, engine started, painted.
    requestAnimationFrame(() => performance.mark("martlet.ready"));
    setTimeout(preloadParts, 200);
}

void start();
