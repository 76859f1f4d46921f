import { useEffect, useRef } from "react";

/**
 * Layers over the page — the drawer, sheets, dialogs — that Back closes before it leaves the page, on phones.
 *
 * Example: the drawer opens and puts an entry into the history of the tab. Back takes the entry away, and the drawer closes.
 * Its own button closes it, too, and then the entry is taken away. The number of entries follows the number of open layers
 * after each task, so that a dialog that opens another one leaves the history as it is.
 */
const layers: (() => void)[] = [];
/** Moves through the history that this file began and that have not arrived yet. */
let ignored = 0;
let isPlanned = false;

/** The entries of layers on top of the history. */
export function layerCount(): number {
    const count = (history.state as { layer?: unknown } | null)?.layer;
    return typeof count === "number" ? count : 0;
}

function settle(): void {
    isPlanned = false;
    if (ignored > 0) return plan();
    for (let count = layerCount(); count < layers.length; count += 1) history.pushState({ layer: count + 1 }, "");
    const excess = layerCount() - layers.length;
    if (excess <= 0) return;
    ignored += 1;
    history.go(-excess);
}

function plan(): void {
    if (isPlanned) return;
    isPlanned = true;
    setTimeout(settle, 0);
}

addEventListener("popstate", () => {
    if (ignored > 0) {
        ignored -= 1;
        return;
    }
    while (layers.length > layerCount()) layers.pop()?.();
});
// A reload closes all layers, and their entries stay: Back would seem to do nothing.
if (layerCount() > 0) history.replaceState(null, "");

// A link of a layer, such as a chat of the drawer, takes the place of the layer's entry.
document.addEventListener(
    "click",
    event => {
        const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href^="#/"]') : null;
        if (!link || layerCount() === 0 || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        replaceHash(link.hash);
    },
    true,
);

/** Goes to another place of the page without an entry of its own. */
export function replaceHash(hash: string): void {
    history.replaceState(null, "", hash);
    dispatchEvent(new HashChangeEvent("hashchange"));
}

/** Lets Back close a layer while it is open, where a finger is the pointer or the window is narrow. */
export function useBack(isOpen: boolean, close: () => void): void {
    const latest = useRef(close);
    latest.current = close;
    useEffect(() => {
        if (!isOpen || !matchMedia("(max-width: 760px), (pointer: coarse)").matches) return;
        const layer = (): void => latest.current();
        layers.push(layer);
        plan();
        return () => {
            const place = layers.indexOf(layer);
            if (place >= 0) layers.splice(place, 1);
            plan();
        };
    }, [isOpen]);
}
