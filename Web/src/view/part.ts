import type { ComponentType, LazyExoticComponent } from "react";
import { lazy } from "react";

/** Chunks that a first visit does not need, and the style sheet that they share. */

let styles: Promise<void> | null = null;

/** Adds a style sheet beside the scripts. Resolves when it is there, or cannot be loaded: a part without its look works, too. */
export function addStyles(name: string): Promise<boolean> {
    return new Promise(done => {
        const link = document.createElement("link");
        link.rel = "stylesheet";
        link.href = new URL(`./${name}`, import.meta.url).href;
        link.onload = () => done(true);
        link.onerror = () => done(false);
        document.head.append(link);
    });
}

/** Loads the styles of the lazy parts; a later call tries again after a failure. */
export function moreStyles(): Promise<void> {
    styles ??= addStyles(MORE_STYLES).then(isThere => {
        if (!isThere) styles = null;
    });
    return styles;
}

/** A component of a lazy chunk, with its styles. `name` is the name under which the chunk exports it. */
// The constraint of React's own `lazy`: the properties are those of the component.
export function part<Module, Name extends keyof Module>(load: () => Promise<Module>, name: Name): LazyExoticComponent<Extract<Module[Name], ComponentType<any>>> {
    return lazy(() => Promise.all([load(), moreStyles()]).then(([module]) => ({ default: module[name] as Extract<Module[Name], ComponentType<any>> })));
}
