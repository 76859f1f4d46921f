import MartletAPI
import MartletJSON
import MartletProtocol
import MartletStreams
import MartletTestSupport
import Testing

@testable import MartletServer

/// `/openapi.json` and the table of routes say the same.
@Suite(.timeLimit(.minutes(15))) struct OpenAPITests {
    private static func names(_ routes: [(method: String, path: String)]) -> Set<String> {
        Set(routes.map { "\($0.method) \($0.path)" })
    }

    @Test func everyRouteIsDescribedAndEveryDescriptionIsARoute() async throws {
        let described = Self.names(
            RouteDescription.all.flatMap { description in
                description.paths.map { (description.method, $0) }
            })
        var routes: Set<String> = []
        try await TestServer.run {
            $0.servesPage = true
        } body: { server async throws in
            let table = server.edge.routes().all
            #expect(Self.names(table).count == table.count, "a route twice")
            routes.formUnion(Self.names(table))
        }
        try await PoolServer.run { server async throws in
            routes.formUnion(Self.names(server.edge.routes().all))
        }
        #expect(routes.subtracting(described) == [], "no description")
        #expect(described.subtracting(routes) == [], "no route")
    }

    @Test func theDocumentHasTheRoutesOfTheServer() async throws {
        try await TestServer.run { server async throws in
            let (head, text) = try await server.send("GET", "/openapi.json")
            let document = try json(text)
            #expect(head.status == 200 && document["openapi"] == "3.1.0" && document["security"] == [])
            let paths = try #require(document["paths"]?.objectValue)
            #expect(paths["/v1/responses"]?["post"] != nil && paths["/v1/models/{rest}"]?["get"] != nil)
            // Only a server of several models loads them.
            #expect(paths["/models/load"] == nil && paths["/openapi.json"] != nil)
            let schemas = try #require(document["components"]?["schemas"]?.objectValue)
            let responses = try #require(document["components"]?["responses"]?.objectValue)
            var ids: Set<String> = []
            for (_, item) in paths {
                for (_, operation) in try #require(item.objectValue) {
                    let (isNew, id) = ids.insert(operation["operationId"]?.stringValue ?? "")
                    #expect(isNew, "\(id)")
                    let schema = operation["requestBody"]?["content"]?["application/json"]?["schema"]?["$ref"]
                    if let name = schema?.stringValue?.split(separator: "/").last {
                        #expect(schemas[String(name)] != nil, "\(name)")
                    }
                    for (status, response) in try #require(operation["responses"]?.objectValue) {
                        if let name = response["$ref"]?.stringValue?.split(separator: "/").last {
                            #expect(status == name && responses[status] != nil)
                        }
                    }
                }
            }
            // Every status of the tables of errors is documented somewhere.
            let statuses = GenerationError.Kind.allCases.map(\.status) + APIError.HTTPFault.allCases.map(\.status)
            for status in statuses { #expect(responses["\(status)"] != nil, "\(status)") }
            #expect(paths["/v1/messages"]?["post"]?["responses"]?["529"] != nil)
            #expect(paths["/v1/chat/completions"]?["post"]?["responses"]?["529"] == nil)
        }
    }
}
