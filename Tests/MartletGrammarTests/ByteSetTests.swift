import MartletTestSupport
import Testing

@testable import MartletGrammar

/// Sets of bytes and of characters, compared with `Set`.
@Suite struct ByteSetTests {
    private static func random(_ random: inout SeededGenerator) -> Set<UInt8> {
        let count = [0, 1, 3, 40, 200, 256].randomElement(using: &random) ?? 0
        return Set((0...255).shuffled(using: &random).prefix(count))
    }

    @Test func operationsAreThoseOfSets() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<200 {
            let (left, right) = (Self.random(&random), Self.random(&random))
            let (first, second) = (ByteSet(left), ByteSet(right))
            #expect(first.bytes == left.sorted())
            #expect(first.count == left.count && first.isEmpty == left.isEmpty)
            #expect(first.union(second).bytes == left.union(right).sorted())
            #expect(first.intersection(second).bytes == left.intersection(right).sorted())
            #expect(first.subtracting(second).bytes == left.subtracting(right).sorted())
            #expect(first.complement.bytes == Set(0...255).subtracting(left).sorted())
            #expect((first == second) == (left == right))
            #expect(ByteSet(encoded: first.encoded) == first)
            for byte in UInt8.min...UInt8.max { #expect(first.contains(byte) == left.contains(byte)) }
        }
    }

    @Test func bytesComeAndGo() {
        var random = SeededGenerator(seed: 2)
        var (set, model) = (ByteSet(), Set<UInt8>())
        for _ in 0..<2_000 {
            let byte = UInt8.random(in: 0...255, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                set.insert(byte)
                model.insert(byte)
            case 1:
                set.remove(byte)
                model.remove(byte)
            default:
                let last = min(255, Int(byte) + Int.random(in: 0..<4, using: &random))
                set.insert(byte...UInt8(last))
                model.formUnion(byte...UInt8(last))
            }
            #expect(set.count == model.count)
        }
        #expect(set.bytes == model.sorted())
    }

    /// Two bytes share a class if no split separates them, and each class has a representative.
    @Test func partitionsSeparateWhatTheyAreSplitBy() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<60 {
            var partition = BytePartition()
            var sets: [Set<UInt8>] = []
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let set = Self.random(&random)
                sets.append(set)
                partition.split(by: ByteSet(set))
            }
            let single = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            partition.split(single)
            func key(_ byte: UInt8) -> [Int] {
                sets.map { $0.contains(byte) ? 1 : 0 } + [single.contains(byte) ? Int(byte) : -1]
            }
            var classes: [[Int]: UInt8] = [:]
            for byte in UInt8.min...UInt8.max {
                let known = classes[key(byte)]
                #expect(known == nil || known == partition.classes[Int(byte)])
                classes[key(byte)] = partition.classes[Int(byte)]
            }
            #expect(Set(classes.values).count == classes.count)
            let representatives = partition.representatives
            #expect(representatives.count == classes.count)
            for (number, byte) in representatives.enumerated() { #expect(Int(partition.classes[Int(byte)]) == number) }
        }
    }

    private static func ranges(_ random: inout SeededGenerator) -> [ClosedRange<UInt32>] {
        let corners: [UInt32] = [
            0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xD800, 0xDFFF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF,
        ]
        return (0..<Int.random(in: 0...5, using: &random)).map { _ in
            let corner = corners.randomElement(using: &random) ?? 0
            let low = min(0x10FFFF, corner &+ UInt32.random(in: 0...3, using: &random))
            return low...min(0x10FFFF, low + [0, 1, 5, 0x900, 0x20000][Int.random(in: 0..<5, using: &random)])
        }
    }

    @Test func rangesOfScalarsAreSetsOfScalars() {
        var random = SeededGenerator(seed: 4)
        let near = [0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF, 0x1090F, 0x30003]
            .flatMap { Array(max(0, $0 - 9)...min(0x10FFFF, $0 + 9)) }.compactMap { Unicode.Scalar(UInt32($0)) }
        for _ in 0..<150 {
            let ranges = Self.ranges(&random)
            let normal = ScalarRanges.normalized(ranges)
            let rest = ScalarRanges.complement(of: ranges)
            for scalar in near {
                let isIn = ranges.contains { $0.contains(scalar.value) }
                #expect(normal.contains { $0.contains(scalar.value) } == isIn)
                #expect(rest.contains { $0.contains(scalar.value) } == !isIn)
            }
            #expect(zip(normal, normal.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
            #expect(normal.allSatisfy { !$0.overlaps(0xD800...0xDFFF) })
            #expect(ScalarRanges.complement(of: rest) == normal)
        }
    }

    /// The bytes of each scalar of a range are in exactly one of its sequences; no other bytes are.
    @Test func rangesOfBytesSpellTheirScalars() {
        var random = SeededGenerator(seed: 5)
        for range in (0..<40).flatMap({ _ in ScalarRanges.normalized(Self.ranges(&random)) }) {
            let sequences = ScalarRanges.byteRanges(range)
            func ways(_ bytes: [UInt8]) -> Int {
                sequences.count { $0.count == bytes.count && zip($0, bytes).allSatisfy { $0.contains($1) } }
            }
            for value in [
                range.lowerBound, range.upperBound, range.lowerBound + (range.upperBound - range.lowerBound) / 2,
            ] {
                guard let scalar = Unicode.Scalar(value) else { continue }
                #expect(ways(Array(String(Character(scalar)).utf8)) == 1)
                #expect(ScalarRanges.utf8(value) == Array(String(Character(scalar)).utf8))
            }
            for value in [range.lowerBound &- 1, range.upperBound + 1] {
                guard let scalar = Unicode.Scalar(value) else { continue }
                #expect(ways(Array(String(Character(scalar)).utf8)) == 0)
            }
            // The sequences contain as many texts as there are scalars.
            let count = sequences.reduce(0) { $0 + $1.reduce(1) { $0 * $1.count } }
            #expect(count == range.count)
        }
    }
}
