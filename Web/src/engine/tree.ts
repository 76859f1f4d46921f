import type { Conversation, Message, MessageID, VersionPosition } from "./types";

/**
 * The tree of a conversation's messages. Every function is pure.
 *
 * Example: messages a → b → c and a → b → d are one fork with the versions c and d below b. A message names its
 * parent only; children are found here, so that two tabs can never store lists that disagree.
 */
export class MessageTree {
    private readonly byID = new Map<MessageID, Message>();
    private readonly childrenOf = new Map<string, MessageID[]>();

    constructor(messages: Iterable<Message>) {
        for (const message of messages) this.byID.set(message.id, message);
        for (const message of this.byID.values()) {
            // A parent that does not exist (an import, a lost record) makes the message a root instead of losing it.
            const parent = message.parent !== null && this.byID.has(message.parent) ? message.parent : "";
            const siblings = this.childrenOf.get(parent);
            if (siblings) siblings.push(message.id);
            else this.childrenOf.set(parent, [message.id]);
        }
        for (const siblings of this.childrenOf.values()) siblings.sort((left, right) => this.order(left, right));
    }

    /** By time of creation, then by id. */
    private order(left: MessageID, right: MessageID): number {
        const difference = (this.byID.get(left)?.createdAt ?? 0) - (this.byID.get(right)?.createdAt ?? 0);
        return difference !== 0 ? difference : left < right ? -1 : 1;
    }

    get(id: MessageID): Message | undefined {
        return this.byID.get(id);
    }

    /** The ids of the messages below `parent` (null = the roots), the oldest first. */
    children(parent: MessageID | null): readonly MessageID[] {
        return this.childrenOf.get(parent ?? "") ?? [];
    }

    /** The messages from the root to `leaf`; empty for an unknown leaf. A cycle of damaged records ends the path. */
    path(leaf: MessageID | null): Message[] {
        const path: Message[] = [];
        const seen = new Set<MessageID>();
        let place = leaf;
        while (place !== null && !seen.has(place)) {
            const message = this.byID.get(place);
            if (!message) break;
            seen.add(place);
            path.push(message);
            place = message.parent;
        }
        return path.reverse();
    }

    versions(id: MessageID): VersionPosition {
        const message = this.byID.get(id);
        if (!message) return { index: 0, count: 0, versions: [] };
        const parent = message.parent !== null && this.byID.has(message.parent) ? message.parent : null;
        const versions = this.children(parent);
        return { index: versions.indexOf(id), count: versions.length, versions };
    }

    /** The leaf of the branch through `id`: at each fork the chosen child, else the newest. */
    leafBelow(id: MessageID, chosen: Conversation["chosen"]): MessageID {
        const seen = new Set<MessageID>();
        let place = id;
        for (;;) {
            seen.add(place);
            const children = this.children(place);
            if (children.length === 0) return place;
            const wanted = chosen[place];
            const next = wanted !== undefined && children.includes(wanted) ? wanted : children[children.length - 1];
            if (seen.has(next)) return place;
            place = next;
        }
    }

    /** The leaf of a conversation whose stored leaf does not exist (any more). */
    leaf(conversation: Conversation): MessageID | null {
        if (conversation.leaf !== null && this.byID.has(conversation.leaf)) return conversation.leaf;
        const roots = this.children(null);
        if (roots.length === 0) return null;
        const wanted = conversation.chosen[""];
        const root = wanted !== undefined && roots.includes(wanted) ? wanted : roots[roots.length - 1];
        return this.leafBelow(root, conversation.chosen);
    }

    /** `id` and everything below it. */
    subtree(id: MessageID): MessageID[] {
        const found: MessageID[] = [];
        const seen = new Set<MessageID>();
        const open = [id];
        for (let place = open.pop(); place !== undefined; place = open.pop()) {
            if (seen.has(place) || !this.byID.has(place)) continue;
            seen.add(place);
            found.push(place);
            open.push(...this.children(place));
        }
        return found;
    }

    /** The leaf after the removal of `id`: a sibling's branch, else the parent. */
    leafWithout(id: MessageID, conversation: Conversation): MessageID | null {
        const leaf = this.leaf(conversation);
        if (!this.path(leaf).some(message => message.id === id)) return leaf;
        const { versions, index } = this.versions(id);
        const sibling = versions[index - 1] ?? versions[index + 1];
        if (sibling !== undefined) return this.leafBelow(sibling, conversation.chosen);
        const parent = this.byID.get(id)?.parent ?? null;
        return parent !== null && this.byID.has(parent) ? parent : null;
    }
}

/** The children that the path selects, added to those that were selected elsewhere. */
export function chosenAlong(path: readonly Message[], chosen: Conversation["chosen"]): Conversation["chosen"] {
    const changed: { [parent: string]: MessageID } = { ...chosen };
    for (const message of path) changed[message.parent ?? ""] = message.id;
    return changed;
}
