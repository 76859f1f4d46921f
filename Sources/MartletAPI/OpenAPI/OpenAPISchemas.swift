import MartletJSON
import OrderedCollections

/// The schemas of request bodies in `/openapi.json`: the fields that clients use most, with their types.
///
/// Every body accepts the other fields of docs/compatibility.md, too.
enum OpenAPISchemas {
    static let text: JSONValue = ["type": ["string", "null"]]
    static let flag: JSONValue = ["type": ["boolean", "null"]]
    private static let object: JSONValue = ["type": ["object", "null"]]
    private static let texts: JSONValue = ["type": ["array", "null"], "items": ["type": "string"]]
    private static let textOrTexts: JSONValue = ["anyOf": [["type": "string"], ["type": "array"], ["type": "null"]]]
    private static let objects: JSONValue = ["type": ["array", "null"], "items": ["type": "object"]]

    static func integer(_ range: ClosedRange<Int>) -> JSONValue {
        [
            "type": ["integer", "null"], "minimum": .integer(Int64(range.lowerBound)),
            "maximum": .integer(Int64(range.upperBound)),
        ]
    }

    private static func number(_ range: ClosedRange<Int>) -> JSONValue {
        [
            "type": ["number", "null"], "minimum": .integer(Int64(range.lowerBound)),
            "maximum": .integer(Int64(range.upperBound)),
        ]
    }

    private static func body(_ properties: JSONObject, required: [String] = []) -> JSONValue {
        [
            "type": "object", "properties": .object(properties), "required": .array(required.map { .string($0) }),
            "additionalProperties": true,
        ]
    }

    /// Fields of every completion.
    private static let sampling: JSONObject = [
        "model": text, "stream": flag, "temperature": number(0...2), "top_p": number(0...1), "top_k": integer(0...100),
        "min_p": number(0...1), "seed": integer(0...1_000_000), "cache_prompt": flag,
    ]

    private static func completion(_ own: JSONObject, required: [String]) -> JSONValue {
        body(own.merging(sampling) { own, _ in own }, required: required)
    }

    private static let message: JSONValue = [
        "type": "object", "required": ["role", "content"],
        "properties": ["role": ["enum": ["system", "user", "assistant"]], "content": ["type": "string"]],
    ]
    private static let messages: JSONValue = ["type": "array", "minItems": 1, "items": message]
    private static let limit = integer(0...32)

    /// The schemas by their names.
    static let all: JSONObject = [
        "Error": ["type": "object", "required": ["error"]],
        "ChatCompletion": completion(
            [
                "messages": messages, "max_tokens": limit, "n": integer(1...4), "stop": textOrTexts, "logprobs": flag,
                "store": flag, "metadata": object, "tools": objects, "response_format": object,
            ], required: ["messages"]),
        "Completion": completion(
            [
                "prompt": ["type": "string"], "max_tokens": limit, "n": integer(1...4), "echo": flag,
                "best_of": integer(1...4),
            ],
            required: ["prompt"]),
        "NativeCompletion": completion(["prompt": ["type": "string"], "n_predict": limit], required: ["prompt"]),
        "Infill": completion(["input_prefix": text, "input_suffix": text, "n_predict": limit], required: []),
        "Response": completion(
            [
                "input": ["anyOf": [["type": "string", "minLength": 1], ["type": "array", "items": message]]],
                "instructions": text, "max_output_tokens": integer(1...32), "store": flag, "metadata": object,
                "previous_response_id": text, "background": flag,
            ], required: ["input"]),
        "Compaction": body(
            [
                "model": text, "instructions": text, "previous_response_id": text,
                "input": ["anyOf": [["type": "string", "minLength": 1], ["type": "array", "items": message]]],
            ], required: ["input"]),
        "Message": completion(
            ["messages": messages, "system": text, "max_tokens": integer(1...32), "stop_sequences": texts],
            required: ["messages", "max_tokens"]),
        "Embedding": body(["model": text, "input": textOrTexts, "encoding_format": text], required: ["input"]),
        "Rerank": body(
            ["query": text, "documents": texts, "top_n": integer(1...10)], required: ["query", "documents"]),
        "OllamaChat": body(
            ["model": text, "messages": messages, "stream": flag, "options": object], required: ["model"]),
        "OllamaGenerate": body(
            ["model": text, "prompt": text, "stream": flag, "options": object], required: ["model"]),
        "OllamaEmbed": body(["model": text, "input": textOrTexts, "prompt": text], required: ["model"]),
        "ModelName": body(["model": text, "name": text]),
        "Tokenize": body(["content": text, "add_special": flag, "with_pieces": flag], required: ["content"]),
        "Detokenize": body(
            ["tokens": ["type": "array", "items": ["type": "integer", "minimum": 0, "maximum": 255]]],
            required: ["tokens"]),
        "Control": body(["action": ["type": "string"], "id": text, "conversation_id": text]),
        "Lookup": body(["conversation_ids": texts]),
        "Metadata": body(["metadata": ["type": "object"]], required: ["metadata"]),
        "Conversation": body(["metadata": object, "items": ["type": ["array", "null"], "items": message]]),
        "Items": body(["items": ["type": "array", "minItems": 1, "items": message]], required: ["items"]),
        "Prefix": body(["messages": messages, "prompt": text]),
        "Adapters": ["type": "array", "items": ["type": "object"]],
        "Any": body([:]),
        "Bytes": [:],
    ]
}
