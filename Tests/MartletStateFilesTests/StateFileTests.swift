import MartletFiles
import MartletPlatform
import Testing

@testable import MartletStateFiles

/// A state file is read as it was written, or not at all.
@Suite struct StateFileTests {
    static let fingerprint = StateFingerprint(bytes: (0..<32).map { UInt8($0) })
    static let other = StateFingerprint(bytes: (0..<32).map { UInt8($0 + 1) })

    static let stored = StoredState(
        key: .init(scope: 0x0102_0304_0506_0708, adapters: [.init(index: 1, scaleBits: Float(0.5).bitPattern)]),
        items: [1, 50, 300, 44, 200, 7], firstPosition: 2, isPinned: true, state: (0..<40).map { UInt8($0) },
        checkpoints: [.init(itemCount: 2, bytes: [9, 8, 7]), .init(itemCount: 5, bytes: [])])

    static func file(_ stored: StoredState = stored) throws -> [UInt8] {
        let fingerprint = try #require(fingerprint)
        return try #require(StateFileFormat.parts(of: stored, fingerprint: fingerprint)).flatMap { $0 }
    }

    static func error(_ bytes: [UInt8], fingerprint: StateFingerprint? = nil) -> StateFileError? {
        do throws(StateFileError) {
            _ = try StateFileReader.state(of: StateBytes(bytes), fingerprint: fingerprint)
            return nil
        } catch { return error }
    }

    @Test func aFileIsReadAsItWasWritten() throws {
        let bytes = try Self.file()
        #expect(try StateFileReader.state(of: StateBytes(bytes), fingerprint: Self.fingerprint) == Self.stored)
        let head = try StateFileReader.head(of: StateBytes(bytes), fingerprint: Self.fingerprint)
        #expect(head.items == Self.stored.items)
        #expect(head.key == Self.stored.key)
        #expect(head.checkpoints == [2, 5])
        #expect(head.firstPosition == 2)
        #expect(head.isPinned)
        #expect(head.byteCount == bytes.count)
    }

    @Test func everyFlippedBitIsFound() throws {
        let bytes = try Self.file()
        for bit in 0..<(bytes.count * 8) {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(Self.error(changed) != nil, "bit \(bit)")
        }
    }

    @Test func everyTruncationAndEveryAppendedByteIsFound() throws {
        let bytes = try Self.file()
        for count in 0..<bytes.count {
            let error = Self.error(Array(bytes[..<count]))
            #expect(error?.isWorthless == true, "\(count) bytes")
        }
        #expect(Self.error(bytes + [0]) == .damaged("it has \(bytes.count + 1) bytes instead of \(bytes.count)"))
    }

    @Test func otherFilesAreNamed() throws {
        #expect(Self.error(Array(repeating: 0x47, count: 4_096)) == .foreign)
        #expect(Self.error(try Self.file(), fingerprint: Self.other) == .otherContext)
        var newer = try Self.file()
        newer[8] = 2
        let checked = StateFileFormat.headByteCount(sections: 5) - 4
        let sum = CRC32C.of(newer[..<checked])
        for byte in 0..<4 { newer[checked + byte] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * byte)) }
        let error = Self.error(newer)
        #expect(error == .newer(version: 2))
        #expect(error?.isWorthless == false)
    }

    @Test func statesBeyondALimitAreNotWritten() throws {
        let fingerprint = try #require(Self.fingerprint)
        var stored = Self.stored
        stored.items = []
        #expect(StateFileFormat.parts(of: stored, fingerprint: fingerprint) == nil)
        stored = Self.stored
        stored.firstPosition = 7
        #expect(StateFileFormat.parts(of: stored, fingerprint: fingerprint) == nil)
        stored = Self.stored
        stored.checkpoints = Array(repeating: stored.checkpoints[0], count: 1_025)
        #expect(StateFileFormat.parts(of: stored, fingerprint: fingerprint) == nil)
    }

    @Test func namesOfOtherProgramsAreNotEntries() throws {
        let name = StateFileName(try #require(Self.fingerprint), number: 0xAB)
        #expect(name.description == "0001020304050607-00000000000000ab.kvstate")
        #expect(StateFileName(name.description) == name)
        let others = [
            "notes.txt", ".kvstate", "0001020304050607.kvstate", "0001020304050607-00000000000000ab.kvstate.tmp",
            "0001020304050607-00000000000000AB.kvstate", "0001020304050607-+0000000000000ab.kvstate",
            "0001020304050607-00000000000000ab-1.kvstate", "../1020304050607-00000000000000ab.kvstate",
        ]
        for other in others { #expect(StateFileName(other) == nil, "\(other)") }
    }
}
