import { useSyncExternalStore } from "react";
import { layerCount, replaceHash } from "./back";

/** The place that the address names. Addresses are hashes, so the server needs no rule for them. */
export type Route =
    | { readonly page: "chat"; readonly conversation: string | null; readonly message: string | null }
    | { readonly page: "server" };

function parse(hash: string): Route {
    const [path = ""] = hash.replace(/^#\/?/, "").split("?");
    const parts = path.split("/").map(decodeURIComponent);
    if (parts[0] === "server") return { page: "server" };
    if (parts[0] === "c" && parts[1]) return { page: "chat", conversation: parts[1], message: parts[2] ?? null };
    return { page: "chat", conversation: null, message: null };
}

let current = { hash: location.hash, route: parse(location.hash) };

/** The route of the address. */
export function useRoute(): Route {
    return useSyncExternalStore(
        done => {
            addEventListener("hashchange", done);
            return () => removeEventListener("hashchange", done);
        },
        () => {
            if (current.hash !== location.hash) current = { hash: location.hash, route: parse(location.hash) };
            return current.route;
        },
    );
}

/** Goes to a conversation (null = a new chat), and there to a message. */
export function openConversation(id: string | null, message?: string, replaces = false): void {
    const hash = id === null ? "#/" : `#/c/${encodeURIComponent(id)}${message ? "/" + encodeURIComponent(message) : ""}`;
    if (replaces || layerCount() > 0) replaceHash(hash);
    else location.hash = hash;
}

export function openServerPage(): void {
    if (layerCount() > 0) replaceHash("#/server");
    else location.hash = "#/server";
}
