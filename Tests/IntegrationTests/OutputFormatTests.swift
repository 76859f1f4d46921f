import Foundation
import MartletJSON
import MartletTestSupport
import OrderedCollections
import Subprocess
import SystemPackage
import Testing

/// Schemas, grammars and tools that constrain output, with the real binary and a real model.
@Suite(.serialized, .timeLimit(.minutes(15))) struct OutputFormatTests {
    /// The model that comes with the project, and one with random weights where the set-up could make it.
    private static var models: [(arguments: [String], count: Int)] {
        let random = MartletProcess.repository.appending(".deps/test-models/micro.gguf").string
        let isThere = FileManager.default.fileExists(atPath: random)
        return [([], 30)] + (isThere ? [(["--model", random, "--alias", "fledgling"], 15)] : [])
    }

    /// `MARTLET_DOCUMENTS=500` samples as many of each model.
    @Test(arguments: models) func sampledDocumentsAreValid(arguments: [String], count: Int) async throws {
        let script = MartletProcess.repository.appending("Tests/IntegrationTests/Python/structured.py")
        let count = ProcessInfo.processInfo.environment["MARTLET_DOCUMENTS"] ?? String(count)
        try await Server.run(["--parallel", "4"] + arguments) { server in
            let result = try await Subprocess.run(
                .path(MartletProcess.repository.appending(".deps/python/bin/python")),
                arguments: [script.string, "http://127.0.0.1:\(server.port)/v1", count],
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            let output = result.standardOutput
            #expect(output.hasSuffix("all checks passed\n"), "\(output)\(result.standardError)")
        }
    }

    private static func tool(_ parameters: JSONValue, _ name: String = "f") -> JSONValue {
        ["type": "function", "function": ["name": .string(name), "parameters": parameters]]
    }

    private static func nested(_ count: Int) -> JSONValue {
        (0..<count).reduce(["type": "integer"]) { inner, _ in ["type": "array", "items": inner] }
    }

    private static func members(
        _ count: Int, _ make: (Int) -> JSONValue = { ["maxLength": .integer(Int64($0))] }
    ) -> JSONValue {
        let keys = (0..<count).map { ("k\($0)", make($0)) }
        return ["type": "object", "properties": .object(JSONObject(uniqueKeysWithValues: keys))]
    }

    private static let empty: JSONValue = ["type": "object", "properties": [:]]
    private static let endless: JSONValue = [
        "type": "object", "properties": ["a": ["$ref": "#"]], "required": ["a"],
    ]
    private static let exponential: JSONValue = ["type": "string", "pattern": "^(a|b)*a(a|b){40}$"]

    /// Fields beside `messages`, and what the refusal says.
    private static var bad: [(fields: JSONObject, part: String)] {
        var all: [(fields: JSONObject, part: String)] = []
        func add(_ fields: JSONObject, _ part: String) { all.append((fields, part)) }
        func adding(_ parameters: JSONValue, _ part: String) { add(["tools": [tool(parameters)]], part) }
        add(["tools": [tool(empty), tool(empty)]], "tools[1].function.name")
        add(["tools": [tool(empty, "")]], "tools[0].function.name")
        add(["tools": [tool(["type": "string"])], "schema_mode": "strict"], "tools[0].function.parameters")
        adding([1], "tools[0].function.parameters")
        adding(endless, "Tool \"f\"")
        add(["json_schema": endless], "no finite value")
        add(["tools": [tool(empty)], "tool_choice": ["type": "function", "function": ["name": "g"]]], "tool_choice")
        add(["tools": [tool(empty)], "grammar": "root ::= \"a\""], "grammar")
        add(
            ["tools": [tool(["type": "object", "properties": ["a": exponential]])], "schema_mode": "strict"],
            "#/properties/a")
        add(["json_schema": exponential, "schema_mode": "strict"], "states")
        let several = members(100) { ["type": "string", "pattern": .string("^(a|b)*a(a|b){9}\($0)$")] }
        add(["json_schema": several, "schema_mode": "strict"], "costs too much")
        add(["json_schema": nested(220)], "200 deep")
        adding(["type": "object", "properties": ["a": nested(205)]], "100 deep")
        add(["json_schema": members(10_001)], "20000 members")
        adding(members(10_001), "20000 members")
        add(["json_schema": members(10_001) { _ in true }], "steps to compile")
        adding(members(10_001) { _ in [:] }, "10000 schemas")
        add(["json_schema": ["enum": [.string(String(repeating: "x", count: 1 << 20))]]], "1048576 bytes")
        add(["grammar": "root ::= \"a\"{2000000000}"], "2000000000")
        for (hard, part) in [
            (["type": "string", "pattern": "a{2000000000}"] as JSONValue, "repetition"),
            (["type": "array", "minItems": 2_000_000_000], "minItems"),
        ] { add(["json_schema": hard, "schema_mode": "strict"], part) }
        let groups = String(repeating: "(", count: 60_000)
        add(["grammar": .string("root ::= \(groups)\"a\"")], "nested deeper than the limit")
        add(["json_schema": ["type": "string", "pattern": .string(groups)], "schema_mode": "strict"], "pattern")
        add(["grammar": "root ::= root \"a\""], "left recursion")
        add(["tools": .array((0..<400).map { tool(members(30), "f\($0)") })], "20000 members")
        add(["tools": .array((0..<300).map { tool(members(30) { _ in [:] }, "f\($0)") })], "all schemas together")
        return all
    }

    /// Every bad input is a 400 with what is wrong, and costs little memory; the server goes on.
    @Test func badFormatsAreRefused() async throws {
        try await Server.run { server in
            for (fields, part) in Self.bad {
                let before = try server.memory(isPeak: false)
                let body = JSONValue.object(
                    fields.merging(["messages": [["role": "user", "content": "x"]], "max_tokens": 1]) { $1 })
                let (status, response) = try await server.post("/v1/chat/completions", body)
                let message = response["error"]?["message"]?.stringValue ?? response.text
                #expect(status == 400 && message.contains(part), "\(body.text.prefix(120)): \(status) \(message)")
                if let before, let after = try server.memory(isPeak: true) {
                    #expect(after - before < 64 << 20, "\(body.text.prefix(120)) took \((after - before) >> 20) MiB")
                }
            }
            #expect(try await server.get("/health").status == 200)
        }
    }
}

extension Server {
    /// Bytes that the process has, or at most had since it was last asked for what it has; `nil` = this system does
    /// not tell.
    fileprivate func memory(isPeak: Bool) throws -> Int? {
        if !isPeak {
            // Makes the peak what it is now.
            guard let file = try? FileDescriptor.open("/proc/\(processIdentifier)/clear_refs", .writeOnly) else {
                return nil
            }
            try file.closeAfter { _ = try file.writeAll("5".utf8) }
        }
        let file = try FileDescriptor.open("/proc/\(processIdentifier)/status", .readOnly)
        let text = try file.closeAfter {
            let bytes = try [UInt8](unsafeUninitializedCapacity: 1 << 14) { buffer, count in
                count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        let line = text.split(separator: "\n").first { $0.hasPrefix(isPeak ? "VmHWM:" : "VmRSS:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
    }
}
