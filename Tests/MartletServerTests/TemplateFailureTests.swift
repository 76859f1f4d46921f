import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

@Suite struct TemplateFailureTests {
    @Test(arguments: ["{% if %}", "", " \n", "{{ prompt }}"])
    func aTemplateThatCannotBeUsedFailsChatsOnlyAndBlamesItself(template: String) async throws {
        try await TestServer.run(script: .complete(["a"])) {
            $0.chatTemplate = template
        } body: { server async throws in
            let (head, body) = try await server.send("POST", "/v1/chat/completions", body: chat(stream: true))
            #expect(head.status == 400)
            #expect(body.contains("chat template cannot be used"))
            #expect(try await server.send("POST", "/v1/completions", body: #"{"prompt":"a"}"#).head.status == 200)
            #expect(try await server.send("GET", "/props").head.status == 200)
        }
    }

    @Test(arguments: ["{% if %}", "", " \n", "{{ prompt }}"])
    func anUnusableTemplateOfTheFileIsReplacedByChatML(template: String) async throws {
        var information = ModelInformation.fake
        information.chatTemplate = template
        try await TestServer.run(state: .ready(information)) { server async throws in
            let body = try await server.send("POST", "/apply-template", body: chat(stream: false)).body
            #expect(try json(body)["prompt"] == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n")
            let properties = try json(try await server.send("GET", "/props").body)
            #expect(properties["chat_template"]?.stringValue?.contains("<|im_start|>") == true)
        }
    }

    @Test func aBrokenToolTemplateIsReplacedByTheOther() async throws {
        var information = ModelInformation.fake
        information.chatTemplate = "{% for message in messages %}{{ message.content }}{% endfor %}!"
        information.toolUseChatTemplate = "{% if %}"
        try await TestServer.run(state: .ready(information)) { server async throws in
            let tools = #","tools":[{"type":"function","function":{"name":"f"}}]"#
            let body = try await server.send("POST", "/apply-template", body: chat(stream: false, tools)).body
            #expect(try json(body)["prompt"] == "hi!")
        }
    }

    @Test func aModelWithoutATemplateGetsTheUsualOne() async throws {
        var information = ModelInformation.fake
        information.chatTemplate = nil
        try await TestServer.run(state: .ready(information)) { server async throws in
            let body = try await server.send("POST", "/apply-template", body: chat(stream: false)).body
            #expect(try json(body)["prompt"] == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n")
        }
    }

    @Test func argumentsOfTheServerYieldToTheRequests() async throws {
        let template = "{{ color }}/{{ size }}/{% for message in messages %}{{ message.content }}{% endfor %}"
        let arguments = try #require(try json(#"{"color":"red","size":"big"}"#).objectValue)
        try await TestServer.run { configuration in
            configuration.chatTemplate = template
            configuration.templateArguments = arguments
        } body: { server async throws in
            let body = chat(stream: false, #","chat_template_kwargs":{"size":"small"}"#)
            let prompt = try json(try await server.send("POST", "/apply-template", body: body).body)["prompt"]
            #expect(prompt == "red/small/hi")
        }
    }
}
