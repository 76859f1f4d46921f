import { useEffect, useState } from "react";
import type { Attachment } from "../../engine/types";
import { bytes } from "../format";
import { useEngine } from "../hooks";
import { Icon } from "../icons";

/** The address of an attachment's bytes, as long as the component lives. */
function useBlobURL(attachment: Attachment): string | null {
    const engine = useEngine();
    const [url, setURL] = useState<string | null>(null);
    useEffect(() => {
        let made: string | null = null;
        let isOver = false;
        void engine.attachmentBlob(attachment.id).then(blob => {
            if (!blob || isOver) return;
            made = URL.createObjectURL(blob);
            setURL(made);
        });
        return () => {
            isOver = true;
            if (made) URL.revokeObjectURL(made);
        };
    }, [engine, attachment.id]);
    return url;
}

/** A picture of a message or of the text box. */
export function AttachmentPicture({ attachment }: { attachment: Attachment }) {
    const url = useBlobURL(attachment);
    return (
        <figure className="picture" title={attachment.name}>
            {url ? <img src={url} alt={attachment.name} /> : <Icon name="image" />}
        </figure>
    );
}

/** The attachments of the text box, each with a button that removes it. */
export function DraftAttachments(props: {
    attachments: readonly Attachment[];
    onRemove: (attachment: Attachment) => void;
}) {
    if (props.attachments.length === 0) return null;
    return (
        <ul className="attachments in-composer" aria-label="Attachments">
            {props.attachments.map(attachment => (
                <li key={attachment.id}>
                    {attachment.kind === "image" ? (
                        <AttachmentPicture attachment={attachment} />
                    ) : (
                        <span className="chip">
                            <Icon name="file" />
                            <span>{attachment.name}</span>
                            <small>{bytes(attachment.size)}</small>
                        </span>
                    )}
                    <button type="button" className="remove" aria-label={`Remove ${attachment.name}`} onClick={() => props.onRemove(attachment)}>
                        <Icon name="close" />
                    </button>
                </li>
            ))}
        </ul>
    );
}
