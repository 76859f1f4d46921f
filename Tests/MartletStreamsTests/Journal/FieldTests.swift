import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletStreams

/// Fields of records are read as they were written, and never trap.
@Suite struct FieldTests {
    private static func bytes(_ value: some FieldMessage) -> [UInt8] {
        var bytes: [UInt8] = []
        JournalFieldWriter.append(to: &bytes) { value.write(to: &$0) }
        return bytes
    }

    private static func read<Value: FieldMessage>(_ bytes: [UInt8]) throws -> Value {
        var reader = JournalFieldReader(bytes[...])
        let value = try Value(from: &reader)
        try reader.finish()
        return value
    }

    /// Writes a value, reads it again, and reads every beginning of it.
    private static func check<Value: FieldMessage & Equatable>(_ value: Value) throws {
        let bytes = bytes(value)
        #expect(try read(bytes) == value)
        for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 50)) {
            // A beginning that ends between fields is a message of its own.
            let _: Value? = try? read(Array(bytes[..<count]))
        }
    }

    @Test(arguments: 0..<200) func everyValueIsReadAsItWasWritten(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var request = SampleFrames.request(&random)
        // These two have no meaning in another process.
        request.handle = GenerationHandle(rawValue: 0)
        request.sharedPrefillParent = nil
        try Self.check(request)
        try Self.check(SampleFrames.information(&random))
        for _ in 0..<20 { try Self.check(SampleFrames.event(&random)) }
    }

    @Test func bytesAreThoseOfProtocolBuffers() {
        let token = EngineEvent(GenerationHandle(rawValue: 1), .token(id: 150, text: [0x68, 0x69]))
        #expect(Self.bytes(token) == [0x08, 1, 0x32, 7, 0x08, 0xAC, 2, 0x12, 2, 0x68, 0x69])
        let scale = AdapterScale(index: -1, scale: 0.5)
        #expect(Self.bytes(scale) == [0x08, 1, 0x15, 0, 0, 0, 0x3F])
        #expect(Self.bytes(AdapterScale(index: 0, scale: 0)).isEmpty)
    }

    @Test func brokenFieldsAreErrors() {
        func error(_ bytes: [UInt8]) -> FieldError? {
            do {
                let _: AdapterScale = try Self.read(bytes)
                return nil
            } catch {
                return error as? FieldError
            }
        }
        #expect(error([0x0A, 0]) == .wrongType(1))
        #expect(error([0x08]) == .truncated)
        #expect(error([0x15, 0, 0]) == .truncated)
        #expect(error([0x1A, 200, 1, 0]) == .truncated)
        #expect(error([0x00, 0]) == .invalid("key of a field"))
        #expect(error([0x0B, 0]) == .invalid("key of a field"))
        #expect(error([0x08] + [UInt8](repeating: 0xFF, count: 10)) == .invalid("number"))
        #expect(error([0x1A, 1, 7]) == nil)
    }

    @Test(
        arguments: [
            .zero, .nanoseconds(1), .seconds(-1), .milliseconds(-1),
            Duration(secondsComponent: 3, attosecondsComponent: 1),
            Duration(secondsComponent: .max, attosecondsComponent: 999_999_999_999_999_999),
        ] as [Duration])
    func durationsAreExact(duration: Duration) throws {
        var progress = PromptProgress(total: 0, cached: 0, processed: 0, elapsed: duration)
        progress.slot = 1
        try Self.check(progress)
        progress.wait = ModelWait(.loading, fraction: 0.12345)
        try Self.check(progress)
    }

    @Test func negativeZeroIsNoAbsentValue() throws {
        let read: AdapterScale = try Self.read(Self.bytes(AdapterScale(index: 0, scale: -0.0)))
        #expect(read.scale.sign == .minus)
    }
}
