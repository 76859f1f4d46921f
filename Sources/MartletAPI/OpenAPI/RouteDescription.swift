import MartletGenerations
package import MartletJSON
import MartletStreams
import OrderedCollections

/// The description of one route for clients, from which `/openapi.json` is made.
///
/// A test compares the descriptions with the table of routes in both directions.
package struct RouteDescription: Sendable {
    /// The form of a response.
    enum Content: String, Sendable {
        case json = "application/json"
        case events = "text/event-stream"
        case lines = "application/x-ndjson"
        case text = "text/plain"
        case page = "text/html"
        case bytes = "application/octet-stream"
        case none
    }

    /// A parameter of the query.
    struct Parameter: Sendable {
        var name: String
        var schema: JSONValue
        var isRequired = false
    }

    /// The method in lower case.
    package let method: String
    /// The paths in the router's form: `{name}` is one part, `**` one or more.
    package let paths: [String]
    /// One sentence.
    let summary: String
    /// The name of the group.
    let tag: String
    var parameters: [Parameter] = []
    /// The name of the body's schema; nil = no body.
    var body: String?
    /// The form of the body.
    var bodyContent = Content.json
    var isBodyOptional = false
    /// The forms of a response without an error, by status.
    var success: [(status: Int, contents: [Content])] = [(200, [.json])]
    /// Statuses of errors beside `commonErrors`.
    var errors: [Int] = []
    /// The dialect of errors; nil = the common form.
    var dialect: CompletionKind?

    /// The statuses of errors that every route may have.
    ///
    /// The tables of errors have them. Statuses of particular routes are not among them.
    static let commonErrors: [Int] = {
        let all = GenerationError.Kind.allCases.map(\.status) + APIError.HTTPFault.allCases.map(\.status)
        return Set(all).subtracting(particularErrors).sorted()
    }()

    /// Statuses that only some routes have: a conflict with a state, another version, a range of bytes, a missing
    /// upgrade, and a full store.
    static let particularErrors: Set<Int> = [409, 412, 416, 426, 507]

    /// The statuses of errors.
    var errorStatuses: [Int] {
        let own = Self.commonErrors + errors
        guard let dialect else { return Set(own).sorted() }
        let form = Dialect.named(dialect).errors
        let mapped =
            GenerationError.Kind.allCases.map { form.status(APIError($0, "")) }
            + APIError.HTTPFault.allCases.map { form.status(APIError($0, "")) }
        return Set(own).union(Set(mapped).subtracting(Self.particularErrors)).sorted()
    }
}

/// The document of `/openapi.json`.
package enum OpenAPIDocument {
    /// Makes the document of the routes that a server has.
    /// - Parameters:
    ///   - routes: the methods and paths, in the router's form.
    ///   - build: the version of the program.
    ///   - needsKey: whether requests need an API key.
    package static func json(of routes: [(method: String, path: String)], build: String, needsKey: Bool) -> JSONValue {
        var paths: JSONObject = [:]
        for description in RouteDescription.all {
            for path in description.paths where routes.contains(where: { $0 == (description.method, path) }) {
                let name = publicPath(path)
                var item = paths[name]?.objectValue ?? [:]
                item[description.method] = operation(description, path)
                paths[name] = .object(item)
            }
        }
        var components: JSONObject = ["schemas": .object(OpenAPISchemas.all), "responses": .object(errorResponses())]
        components["securitySchemes"] = ["key": ["type": "http", "scheme": "bearer"]]
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Martlet", "version": .string(build),
                "description": "A local server for language models. Each group of routes is the API of its name.",
            ],
            "security": needsKey ? [["key": []]] : [], "paths": .object(paths), "components": .object(components),
        ]
    }

    /// A path as OpenAPI spells it: the rest of a path is one parameter.
    static func publicPath(_ path: String) -> String { path.replacing("**", with: "{rest}") }

    private static func operation(_ description: RouteDescription, _ path: String) -> JSONValue {
        var operation: JSONObject = [
            "operationId": .string(operationID(description.method, path)), "summary": .string(description.summary),
            "tags": [.string(description.tag)],
        ]
        let names = publicPath(path).split(separator: "/").filter { $0.first == "{" }.map { $0.dropFirst().dropLast() }
        var parameters: [JSONValue] = names.map {
            [
                "name": .string(String($0)), "in": "path", "required": true,
                "schema": ["type": "string", "minLength": 1],
            ]
        }
        for parameter in description.parameters {
            parameters.append([
                "name": .string(parameter.name), "in": "query", "required": .bool(parameter.isRequired),
                "schema": parameter.schema,
            ])
        }
        if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
        if let body = description.body {
            operation["requestBody"] = [
                "required": .bool(!description.isBodyOptional),
                "content": .object([
                    description.bodyContent.rawValue: ["schema": ["$ref": .string("#/components/schemas/\(body)")]]
                ]),
            ]
        }
        var responses: JSONObject = [:]
        for (status, contents) in description.success { responses["\(status)"] = success(contents) }
        for status in description.errorStatuses {
            responses["\(status)"] = ["$ref": .string("#/components/responses/\(status)")]
        }
        operation["responses"] = .object(responses)
        return .object(operation)
    }

    private static func success(_ contents: [RouteDescription.Content]) -> JSONValue {
        var content: JSONObject = [:]
        for form in contents where form != .none {
            content[form.rawValue] = ["schema": form == .json ? [:] : ["type": "string"]]
        }
        var response: JSONObject = ["description": "success"]
        if !content.isEmpty { response["content"] = .object(content) }
        return .object(response)
    }

    /// A name of an operation: the method and the words of the path.
    private static func operationID(_ method: String, _ path: String) -> String {
        method
            + path.split { !$0.isLetter && !$0.isNumber && $0 != "*" }.map { part in
                part == "**" ? "_rest" : "_\(part)"
            }.joined()
    }

    /// One response for each status of an error.
    private static func errorResponses() -> JSONObject {
        var statuses = Set(RouteDescription.all.flatMap(\.errorStatuses))
        statuses.formUnion(RouteDescription.particularErrors)
        var responses: JSONObject = [:]
        for status in statuses.sorted() {
            responses["\(status)"] = [
                "description": "error",
                "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Error"]]],
            ]
        }
        return responses
    }
}
