/**
 * The interface between the engine of the chat page and its view.
 *
 * Example: the view shows a message with
 * `useSyncExternalStore(done => engine.subscribe(topics.message(id), done), () => engine.message(id))`.
 *
 * The engine has no DOM. Every snapshot is immutable: a changed record is a new object, so that `===` tells whether
 * the view must draw again. Snapshots are synchronous reads of memory; commands are asynchronous and never reject for
 * reasons of the network: a failure becomes a state of the message, or a `Notice`.
 */
export * from "./types/basics";
export * from "./types/commands";
export * from "./types/messages";
export * from "./types/server";
