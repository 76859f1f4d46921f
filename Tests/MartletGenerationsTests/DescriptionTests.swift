import MartletGenerations
import MartletGrammar
import MartletJSON
import MartletProtocol
import MartletSchema
import MartletStreams
import MartletTestSupport
import Testing

@testable import MartletChat

/// The parts of a journal from which a later server makes views and output parsers.
struct DescriptionTests {
    private static func description(_ format: ChatFormat) -> ParserDescription {
        var description = ParserDescription()
        description.warnings = ["a token was left out"]
        description.chat = ParserDescription.ChatOutput(
            format: format,
            tools: [
                OfferedTools.Tool(name: "now", parameters: ["type": "object"], isStrict: true),
                OfferedTools.Tool(name: "", parameters: .null, isStrict: nil),
            ], opening: "<think>\n", continuation: "Grüße", showsReasoning: true, holdsValue: true,
            warnings: ["", "x"])
        return description
    }

    private static func options(_ random: inout SeededGenerator) -> ResolvedOptions {
        var sample = SampleFrames.request(&random)
        sample.parameters.constraint = nil
        var options = CompletionOptions(
            parameters: sample.parameters,
            reasoningFormat: ReasoningFormat.allCases.randomElement(using: &random) ?? .auto,
            schemaCompiler: SchemaCompiler(), grammarLimits: .standard)
        options.streams = Bool.random(using: &random)
        options.includesUsage = Bool.random(using: &random)
        options.warnings = ["", "one"].filter { _ in Bool.random(using: &random) }
        options.responseFields.timingsPerToken = Bool.random(using: &random)
        options.responseFields.isVerbose = Bool.random(using: &random)
        options.responseFields.members = ["a/b", ""].filter { _ in Bool.random(using: &random) }
        options.grammar.text = ["", "root ::= \"ä\""].randomElement(using: &random) ?? ""
        options.grammar.triggers = [["type": 1, "value": "x"], .null].filter { _ in Bool.random(using: &random) }
        options.choiceCount = Int.random(in: 1...1_024, using: &random)
        let adapters: [[AdapterScale]?] = [nil, [], [AdapterScale(index: 1, scale: -0.5)]]
        options.adapters = adapters[Int.random(in: 0..<3, using: &random)]
        options.contextShift.keep = Int.random(in: -1...9, using: &random)
        return ResolvedOptions(options, echoes: Bool.random(using: &random))
    }

    @Test(arguments: ChatFormat.all) func everyFormatComesBack(format: ChatFormat) throws {
        let description = Self.description(format)
        #expect(try ParserDescription(description.bytes) == description)
    }

    @Test func outputWithoutAParserComesBack() throws {
        let description = try ParserDescription(ParserDescription().bytes)
        #expect(description.chat == nil)
        #expect(description.parser { PreparedChatFormat($0) } == nil)
    }

    @Test(arguments: 0..<200) func optionsComeBack(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let options = Self.options(&random)
        #expect(try ResolvedOptions(options.bytes) == options)
    }

    /// The parser of the stored description and the parser of the request emit the same pieces.
    @Test(arguments: ChatFormat.all) func storedParserEmitsTheSame(format: ChatFormat) throws {
        let description = Self.description(format)
        let stored = try ParserDescription(description.bytes)
        let output = Array("Hm. </think>\n\nYes <tool_call>{\"name\": \"now\", \"arguments\": {}}</tool_call>".utf8)
        func pieces(_ description: ParserDescription) -> [OutputPiece] {
            var pieces: [OutputPiece] = []
            var parser = description.parser { PreparedChatFormat($0) }
            for byte in output { parser?.append([byte]) { pieces.append($0) } }
            parser?.finish { pieces.append($0) }
            return pieces
        }
        #expect(!pieces(stored).isEmpty)
        #expect(pieces(stored) == pieces(description))
    }

    /// A varint, a message and a float behind all known fields.
    @Test func fieldsOfLaterBuildsAreSkipped() throws {
        var random = SeededGenerator(seed: 7)
        let options = Self.options(&random)
        let description = Self.description(ChatFormat.all[0])
        func extended(_ bytes: [UInt8]) -> [UInt8] {
            var bytes = bytes
            JournalFieldWriter.append(to: &bytes) { writer in
                writer.scalar(2_000, UInt64.max)
                writer.message(2_001) { $0.scalar(1, "later") }
                writer.scalar(2_002, Float(1))
            }
            return bytes
        }
        #expect(try ResolvedOptions(extended(options.bytes)) == options)
        #expect(try ParserDescription(extended(description.bytes)) == description)
    }

    @Test func laterVersionNeedsANewerBuild() throws {
        let later: [UInt8] = [8, 2]
        for read in [{ _ = try ResolvedOptions(later) }, { _ = try ParserDescription(later) }] as [() throws -> Void] {
            let error = #expect(throws: FieldError.self) { try read() }
            #expect(error?.needsNewerBuild == true)
        }
    }

    /// A damaged description is an error or another description, and never a trap.
    @Test(arguments: 0..<40) func damagedBytesNeverTrap(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let originals = [
            Self.options(&random).bytes,
            Self.description(ChatFormat.all[Int(seed) % ChatFormat.all.count]).bytes,
        ]
        var failures = 0
        for original in originals {
            for index in original.indices {
                var bytes = original
                bytes[index] = UInt8.random(in: 0...255, using: &random)
                failures += (try? ResolvedOptions(bytes)) == nil ? 1 : 0
                guard let description = try? ParserDescription(bytes) else { continue }
                var parser = description.parser { PreparedChatFormat($0) }
                parser?.append(Array("<think>a</think><tool_call>{\"name\":\"now\"".utf8)[...]) { _ in }
                parser?.finish { _ in }
            }
            for count in original.indices {
                let beginning = Array(original[..<count])
                failures += (try? ResolvedOptions(beginning)) == nil ? 1 : 0
                failures += (try? ParserDescription(beginning)) == nil ? 1 : 0
            }
        }
        #expect(failures > 0)
    }

    @Test func formatsWithoutBoundsAreRefused() {
        var many = ChatFormat.all[0]
        many.ignored = (0..<600).map { "<\($0)>" }
        #expect(throws: FieldError.self) { try ParserDescription(Self.description(many).bytes) }
        var long = ChatFormat.all[0]
        long.ignored = [String(repeating: "x", count: 20_000)]
        #expect(throws: FieldError.self) { try ParserDescription(Self.description(long).bytes) }
        let tags = TaggedArguments(opening: "<a>", middle: .text(" "), closing: "</a>")
        let untagged = ChatFormat(name: "x", calls: ToolCallFormat(.headed(ToolCallHead(), .tagged(tags))))
        #expect(throws: FieldError.self) { try ParserDescription(Self.description(untagged).bytes) }
    }
}
