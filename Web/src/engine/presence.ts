import { newID } from "./environment";
import type { Library } from "./library";
import type { Parts } from "./parts";
import type { ConversationID } from "./types";

const tabName = "martlet.tab";

/** Which conversation the user sees in this tab, and whether the user sees the tab at all. */
export class Presence {
    /** The name of this tab, which a reload keeps. */
    readonly tab: string;
    visible: ConversationID | null = null;
    isHidden = false;
    onHidden: (isHidden: boolean) => void = () => {};

    constructor(private readonly parts: () => Parts, private readonly library: () => Library, environment: Parts["environment"]) {
        // A reload gets the name of the page before it, and so goes on with its answers at once. The name is absent while
        // a page has it: a copied tab must not have the same.
        this.tab = environment.session.read(tabName) ?? newID(environment);
        environment.session.write(tabName, null);
    }

    show(id: ConversationID | null): void {
        const { store, answers } = this.parts();
        this.visible = id;
        store.visible = id;
        answers.show(id);
        void this.markRead();
    }

    /** Ends the unread mark of the conversation that the user sees. */
    async markRead(): Promise<void> {
        const id = this.visible;
        if (id === null || this.isHidden || this.parts().store.conversations.get(id)?.isUnread !== true) return;
        await this.library().change(id, conversation => ({ ...conversation, isUnread: false }));
    }

    /** Whether the user sees a conversation now. */
    sees(id: ConversationID): boolean {
        return this.visible === id && !this.isHidden;
    }

    pageChanged(event: "hidden" | "visible" | "leaving" | "online"): void {
        const { answers, models, server, environment } = this.parts();
        if (event === "hidden" || event === "leaving") {
            this.isHidden = true;
            // Drafts first: transactions of a page that goes away may not run, and only the page has the draft, while the
            // server has the answer.
            void this.library().flushDrafts();
            void answers.flush();
            if (event === "leaving") environment.session.write(tabName, this.tab);
        } else {
            if (event === "visible") environment.session.write(tabName, null);
            this.isHidden = false;
            answers.hurry();
            server.hurry();
            void this.markRead();
        }
        models.setHidden(this.isHidden);
        server.setHidden(this.isHidden);
        this.onHidden(this.isHidden);
    }
}
