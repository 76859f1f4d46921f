/** An id that the page chooses: a time prefix and random letters, so that ids of one browser sort by time. */
export type ConversationID = string;
export type MessageID = string;
export type AttachmentID = string;

/** Milliseconds since 1970. */
export type Milliseconds = number;

/** The value of a request field: what JSON can express. */
export type JSONValue = null | boolean | number | string | JSONValue[] | { [name: string]: JSONValue };
