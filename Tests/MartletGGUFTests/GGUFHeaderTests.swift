import MartletGGUF
import Testing

@Suite struct GGUFHeaderTests {
    private func header(_ change: (inout GGUFSample) -> Void = { _ in }) throws(GGUFError) -> GGUFHeader {
        var sample = GGUFSample()
        change(&sample)
        return try GGUFHeader(GGUFBytes(sample.bytes))
    }

    private func message(_ bytes: [UInt8]) -> String {
        do {
            _ = try GGUFHeader(GGUFBytes(bytes))
            return "accepted"
        } catch {
            return error.description
        }
    }

    private func message(_ change: (inout GGUFSample) -> Void) -> String {
        var sample = GGUFSample()
        change(&sample)
        return message(sample.bytes)
    }

    @Test func whatIsThereIsRead() throws {
        let header = try header {
            $0.metadata = [
                GGUFSample.text("name", "x"), GGUFSample.pair("u8", kind: 0, [255]),
                GGUFSample.pair("i8", kind: 1, [255]), GGUFSample.pair("i32", kind: 5, GGUFSample.number(Int32(-7))),
                GGUFSample.pair("u64", kind: 10, GGUFSample.number(UInt64.max)),
                GGUFSample.pair("f32", kind: 6, GGUFSample.number(Float(1.5).bitPattern)),
                GGUFSample.pair("yes", kind: 7, [1]),
                GGUFSample.pair(
                    "list", kind: 9,
                    GGUFSample.number(UInt32(8)) + GGUFSample.number(UInt64(2)) + GGUFSample.string("a")
                        + GGUFSample.string("b")),
                GGUFSample.text("long", String(repeating: "x", count: 100_000)),
            ]
        }
        #expect(header.version == 3)
        #expect(header.tensorCount == 2)
        #expect(header.tensorByteCount == 2 * 68)
        #expect(
            header.metadata == [
                "name": .text("x"), "u8": .integer(255), "i8": .integer(-1), "i32": .integer(-7), "u64": .large(.max),
                "f32": .number(1.5), "yes": .bool(true), "list": .array(count: 2), "long": .longText,
            ])
    }

    @Test(arguments: [
        ("block_count", 4, UInt64(0), false), ("block_count", 4, 1, true), ("block_count", 4, 1_025, false),
        ("block_count", 10, 1 << 63, false), ("block_count", 11, UInt64(bitPattern: -1), false),
        ("block_count", 6, 0, false), ("context_length", 4, 0, false), ("context_length", 4, 131_072, true),
        ("embedding_length", 4, 0, false), ("embedding_length", 4, 4_294_967_295, false),
        ("attention.head_count", 4, 32, true), ("attention.head_count", 4, 4_294_967_295, false),
        ("attention.layer_norm_rms_epsilon", 6, UInt64(Float(1e-6).bitPattern), true),
        ("attention.layer_norm_rms_epsilon", 6, UInt64(Float(-1e-6).bitPattern), false),
        ("attention.layer_norm_rms_epsilon", 6, UInt64(Float.nan.bitPattern), false),
        ("attention.layer_norm_epsilon", 6, UInt64(Float.infinity.bitPattern), false),
        ("rope.freq_base", 6, UInt64(Float(500_000).bitPattern), true),
        ("rope.freq_base", 6, UInt64(Float(-1).bitPattern), false), ("expert_used_count", 4, 2, false),
        ("expert_used_count", 4, 0, true), ("something_else", 10, 1 << 63, true),
    ])
    func whatNoModelCanBeIsRefused(name: String, kind: UInt32, bits: UInt64, isAccepted: Bool) {
        let size = kind == 10 || kind == 11 ? 8 : 4
        let outcome = message {
            $0.metadata.append(
                GGUFSample.pair("llama.\(name)", kind: kind, Array(GGUFSample.number(bits).prefix(size))))
        }
        #expect((outcome == "accepted") == isAccepted, "\(outcome)")
        #expect(isAccepted || outcome.hasPrefix("is broken: 'llama.\(name)' "), "\(outcome)")
        // Keys of another architecture are ignored.
        #expect(
            message {
                $0.metadata.append(
                    GGUFSample.pair("other.\(name)", kind: kind, Array(GGUFSample.number(bits).prefix(size))))
            } == "accepted")
    }

    @Test func everyCutIsNoticed() {
        let bytes = GGUFSample().bytes
        for length in 0..<bytes.count { #expect(message(Array(bytes[..<length])) != "accepted", "\(length)") }
        #expect(message(bytes) == "accepted")
        #expect(
            message(Array(bytes.dropLast())).hasPrefix(
                "is cut off: it has \(bytes.count - 1) bytes and would need at least \(bytes.count)"))
    }

    @Test func everyOtherByteIsSurvived() {
        let bytes = GGUFSample().bytes
        for index in bytes.indices {
            for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
                var changed = bytes
                changed[index] = value
                _ = message(changed)
            }
        }
    }

    @Test func whatIsNoModelIsNamed() {
        #expect(message([]) == "is empty; download or copy it again")
        #expect(message(Array("GG".utf8)) == "is not a GGUF file")
        #expect(message(Array("version https://git-lfs.github.com/spec/v1\noid".utf8)).contains("git lfs pull"))
        #expect(message(Array("\n<!DOCTYPE html><html>".utf8)).contains("web page"))
        #expect(message(Array("ggjt....".utf8)).contains("older than GGUF"))
        #expect(message { $0.magic = "FUGG" }.contains("big-endian"))
        #expect(message { $0.version = 1 }.contains("version 1"))
        #expect(message { $0.version = UInt32(3).byteSwapped }.contains("big-endian"))
        #expect(message { $0.version = 9 } == "is of GGUF version 9, and this program knows 2 and 3; update it")
    }

    @Test func whatIsWrongIsNamed() {
        #expect(message { $0.metadataCount = .max }.contains("metadata values, and 65536 are allowed"))
        #expect(message { $0.tensorCount = 1 << 40 }.contains("tensors, and 131072 are allowed"))
        #expect(message { $0.metadata += $0.metadata }.contains("'general.architecture' twice"))
        #expect(message { $0.tensors[1] = $0.tensors[0] }.contains("tensor 'a' twice"))
        #expect(message { $0.metadata = [GGUFSample.pair("x", kind: 13, [])] }.contains("unknown kind 13"))
        let arrays = GGUFSample.number(UInt32(9)) + GGUFSample.number(UInt64(0))
        #expect(message { $0.metadata = [GGUFSample.pair("x", kind: 9, arrays)] }.contains("array of arrays"))
        let huge = GGUFSample.number(UInt32(10)) + GGUFSample.number(UInt64.max)
        #expect(message { $0.metadata = [GGUFSample.pair("x", kind: 9, huge)] }.contains("18446744073709551615 values"))
        #expect(
            message { $0.metadata = [GGUFSample.pair("x", kind: 8, GGUFSample.number(UInt64.max))] }.contains(
                "and 67108864 are allowed"))
        for value: UInt32 in [0, 3, 1 << 30] {
            let pair = GGUFSample.pair("general.alignment", kind: 4, GGUFSample.number(value))
            #expect(message { $0.metadata = [pair] }.contains("power of two"))
        }
        #expect(message { $0.metadata = [GGUFSample.text("general.alignment", "x")] }.contains("power of two"))
    }

    @Test(arguments: [
        (GGUFSample.tensor("t", offset: 7), "no multiple of 32"),
        (GGUFSample.tensor("t", dimensions: [32, -1]), "a dimension of -1"),
        (GGUFSample.tensor("t", dimensions: [32, 0]), "a dimension of 0"),
        (GGUFSample.tensor("t", dimensions: [.max, .max]), "a dimension of"),
        (GGUFSample.tensor("t", dimensions: [31]), "rows of 31 elements"),
        (GGUFSample.tensor("t", dimensions: [1, 1, 1, 1, 1]), "5 dimensions, and 4 are allowed"),
        (GGUFSample.tensor("t", type: 4), "no longer used"),
        (GGUFSample.tensor("t", type: 99), "does not know"),
        (GGUFSample.tensor("t", offset: .max - 31), "beyond any file's end"),
        (GGUFSample.tensor("t", offset: 1 << 40), "is cut off"),
        (GGUFSample.tensor(String(repeating: "t", count: 64)), "would have 64 bytes, and 63 are allowed"),
    ])
    func aTensorThatCannotBeIsNamed(tensor: [UInt8], part: String) {
        let message = message { $0.tensors = [tensor] }
        #expect(message.contains(part), "\(message)")
    }

    @Test func alignmentMovesTheTensors() throws {
        let header = try header {
            $0.metadata = [GGUFSample.pair("general.alignment", kind: 4, GGUFSample.number(UInt32(256)))]
            $0.alignment = 256
            $0.tensors[1] = GGUFSample.tensor("b", offset: 256)
            $0.dataByteCount = 256 + 68
        }
        #expect(header.dataOffset % 256 == 0)
    }
}
