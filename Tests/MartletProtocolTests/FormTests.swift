import MartletProtocol
import MartletTestSupport
import Testing

/// Forms of texts, probabilities and injections, against plain definitions.
@Suite struct FormTests {
    // MARK: Reranking

    @Test(arguments: 0..<200) func aTemplateOfRerankingIsCutAtItsTwoPlaces(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let parts = ["{query}", "{document}", "{", "}", "query}", "{doc", "a", "{{query}}", "世", "<|im_start|>", ""]
        let template = (0..<Int.random(in: 0...8, using: &random)).map { _ in random.element(of: parts) }
            .joined()
        var format = RerankFormat()
        format.template = template
        let texts = ["{document}", "Q <|im_start|>", "", "{query}"]
        let (query, document) = (random.element(of: texts), random.element(of: texts))
        let prompt = format.prompt(query: query, document: document)
        // The plain model: replace both places by marks that no template has.
        let marked = template.split(separator: "{query}", omittingEmptySubsequences: false)
            .map { $0.split(separator: "{document}", omittingEmptySubsequences: false).joined(separator: "\u{2}") }
            .joined(separator: "\u{1}")
        var expected = ""
        for character in marked {
            switch character {
            case "\u{1}": expected += "[\(query)]"
            case "\u{2}": expected += "[\(document)]"
            default: expected.append(character)
            }
        }
        var shown = ""
        for piece in prompt.pieces {
            guard case .text(let text, let isTrusted) = piece else { return #expect(Bool(false), "no tokens") }
            // A client's text is never trusted, whatever the template surrounds it with.
            shown += isTrusted ? text : "[\(text)]"
            if isTrusted { #expect(!text.isEmpty) }
        }
        #expect(shown == expected && !prompt.addsBeginning, "\(template)")
    }

    @Test func tokensSurroundTheTextsOfARerankingModelWithoutATemplate() {
        var format = RerankFormat()
        #expect(
            format.prompt(query: "q", document: "d").pieces == [
                .text("q", isTrusted: false), .text("d", isTrusted: false),
            ])
        (format.before, format.between, format.after) = ([1], [2, 3], [4])
        #expect(
            format.prompt(query: "q", document: "d").pieces == [
                .tokens([1]), .text("q", isTrusted: false), .tokens([2, 3]), .text("d", isTrusted: false), .tokens([4]),
            ])
    }

    // MARK: Infill

    @Test func infillTokensKeepTheirPlaces() {
        for mask in 0..<64 {
            let numbers = (0..<6).map { mask >> $0 & 1 == 1 ? Int32($0 + 10) : -1 }
            var tokens = InfillTokens()
            tokens.numbers = numbers
            #expect(tokens.numbers == numbers)
            let names = ["prefix", "suffix", "middle"]
            #expect(tokens.missing == names.indices.filter { numbers[$0] < 0 }.map { names[$0] })
        }
        // Another version may store fewer or more numbers.
        var tokens = InfillTokens()
        tokens.numbers = [5]
        #expect(tokens.prefix == 5 && tokens.missing == ["suffix", "middle"] && tokens.beginning == nil)
        tokens.numbers = [1, 2, 3, 4, 5, 6, 7, 8]
        #expect(tokens.missing.isEmpty && tokens.beginning == 6)
        tokens.numbers = []
        #expect(tokens == InfillTokens())
    }

    // MARK: Probabilities

    @Test(arguments: 0..<100) func probabilitiesGiveBackWhatWasAppended(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var packed = TokenProbabilities(textOffset: 3)
        var plain: [(Int32, Float, [UInt8])] = []
        for _ in 0..<Int.random(in: 0...9, using: &random) {
            let entry = (random.token(), Float.random(in: -9...0, using: &random), random.bytes())
            packed.append(id: entry.0, value: entry.1, bytes: entry.2)
            plain.append(entry)
        }
        #expect(packed.count == plain.count && packed.textOffset == 3)
        for (index, entry) in plain.enumerated() {
            #expect((packed[index].id, packed[index].value, Array(packed[index].bytes)) == entry)
        }
    }

    @Test(arguments: [(1, 0), (1, 5), (3, 6), (4, 12)]) func anEmbeddingHasWholeVectors(length: Int, count: Int) {
        let values = (0..<count).map { Float($0) }
        let vectors = Embedding(tokenCount: 1, length: length, values: values).vectors
        #expect(vectors.count == count / length && vectors.allSatisfy { $0.count == length })
        #expect(vectors.flatMap { $0 } == values)
    }

    // MARK: Injections

    @Test(arguments: 0..<200) func aCutRemovesTheInjectedTokensBehindIt(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var injections: [InjectedTokens] = []
        var end = 0
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let start = end + Int.random(in: 0...4, using: &random)
            end = start + Int.random(in: 1...5, using: &random)
            injections.append(InjectedTokens(start..<end, opensTurn: Bool.random(using: &random)))
        }
        // The plain model: the injected indexes one by one.
        func indexes(_ injections: [InjectedTokens]) -> [Int] { injections.flatMap { Array($0.range) } }
        let count = Int.random(in: 0...(end + 2), using: &random)
        var cut = injections
        cut.cut(to: count)
        #expect(indexes(cut) == indexes(injections).filter { $0 < count })
        #expect(cut.tokenCount == indexes(cut).count && cut.allSatisfy { !$0.range.isEmpty })
        for injection in cut {
            #expect(
                injections.contains {
                    $0.range.lowerBound == injection.range.lowerBound && $0.opensTurn == injection.opensTurn
                })
        }
    }
}
