import MartletAPI
import MartletJSON
import MartletProtocol
import MartletStreams
import Testing

struct RerankBodyTests {
    private let scores = [-1, 2, 0.5, 2].map { Embedding(tokenCount: 3, length: 2, values: [$0, 9]) }

    private func response(_ json: JSONValue) throws -> JSONValue {
        try JSONParser.parse(try RerankRequest(json).response(scores, model: "m"))
    }

    @Test func resultsAreOrderedByScoreAndThenByIndex() throws {
        #expect(
            try response(["query": "q", "documents": ["a", "b", "c", "d"]]) == [
                "model": "m", "object": "list", "usage": ["prompt_tokens": 12, "total_tokens": 12],
                "results": [
                    ["index": 1, "relevance_score": 2.0], ["index": 3, "relevance_score": 2.0],
                    ["index": 2, "relevance_score": 0.5], ["index": 0, "relevance_score": -1.0],
                ],
            ])
    }

    @Test func topNAndDocumentsAreHonoured() throws {
        let json: JSONValue = [
            "query": "q", "documents": ["a", ["text": "b", "id": 7], "c", "d"], "top_n": 2, "return_documents": true,
        ]
        #expect(
            try response(json)["results"] == [
                ["index": 1, "relevance_score": 2.0, "document": ["text": "b", "id": 7]],
                ["index": 3, "relevance_score": 2.0, "document": ["text": "d"]],
            ])
        #expect(
            try response(["query": "q", "documents": ["a", "b", "c", "d"], "top_n": 99])["results"]?.arrayValue?.count
                == 4)
    }

    @Test func textsHaveTheFormOfTextEmbeddingsInference() throws {
        #expect(
            try response(["query": "q", "texts": ["a", "b", "c", "d"], "return_text": true, "top_n": 1]) == [
                ["index": 1, "score": 2.0, "text": "b"]
            ])
        let logistic = try response(["query": "q", "texts": ["a", "b", "c", "d"], "raw_scores": false])
        #expect(logistic.arrayValue?.last?["score"]?.doubleValue.map { abs($0 - 0.268_941_43) < 1e-6 } == true)
    }

    @Test func anInputHasQueryAndDocument() throws {
        var format = RerankFormat()
        format.template = "{query}|{document}"
        let inputs = try RerankRequest(["query": "q", "documents": ["a", ["text": "b"]]]).inputs(format)
        #expect(inputs == [format.prompt(query: "q", document: "a"), format.prompt(query: "q", document: "b")])
    }

    @Test(
        arguments: [
            (["documents": ["a"]], "Field 'query'"), (["query": "", "documents": ["a"]], "Field 'query'"),
            (["query": 1, "documents": ["a"]], "a string"), (["query": "q"], "Field 'documents'"),
            (["query": "q", "documents": []], "Field 'documents'"), (["query": "q", "texts": []], "Field 'texts'"),
            (["query": "q", "documents": "a"], "an array"), (["query": "q", "documents": [3]], "documents[0]"),
            (["query": "q", "documents": ["a", ["title": "b"]]], "documents[1]"),
            (["query": "q", "documents": ["a"], "top_n": 0], "1 <= value"),
            (["query": "q", "documents": ["a"], "top_n": "x"], "an integer"),
            (["query": "q", "documents": ["a"], "return_documents": 1], "a boolean"),
            (["query": "q", "documents": ["a"], "rank_fields": ["x"]], "rank_fields"),
            (["query": "q", "documents": ["a"], "max_tokens_per_doc": 9], "max_tokens_per_doc"), ([1], "object"),
        ] as [(JSONValue, String)])
    func aBadBodyIsRefused(json: JSONValue, part: String) {
        let error = #expect(throws: APIError.self) { try RerankRequest(json) }
        #expect(error?.status == 400)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }
}
