/// A partition of the 256 bytes into classes, refined step by step.
package struct BytePartition {
    /// The class of each byte.
    package private(set) var classes = [UInt8](repeating: 0, count: 256)
    private var sizes = [256]

    /// Creates the partition with one class.
    package init() {}

    /// Moves each of `bytes` to a class of its own.
    package mutating func split(_ bytes: [UInt8]) {
        for byte in bytes where sizes[Int(classes[Int(byte)])] > 1 {
            sizes[Int(classes[Int(byte)])] -= 1
            classes[Int(byte)] = UInt8(sizes.count)
            sizes.append(1)
        }
    }

    /// Separates the bytes of a set from all others.
    mutating func split(by set: ByteSet) {
        split(by: (0...255).map { set.contains($0) ? 1 : 0 }, count: 2)
    }

    /// Refines this partition by another one.
    ///
    /// - Parameter other: the class of each byte, below `count`.
    package mutating func split(by other: [UInt8], count: Int) {
        guard sizes.count < 256 else { return }
        var numbers = [Int16](repeating: -1, count: sizes.count * count)
        var finer: [Int] = []
        for byte in 0..<256 {
            let key = Int(classes[byte]) * count + Int(other[byte])
            if numbers[key] < 0 {
                numbers[key] = Int16(finer.count)
                finer.append(0)
            }
            classes[byte] = UInt8(numbers[key])
            finer[Int(numbers[key])] += 1
        }
        sizes = finer
    }

    /// The smallest byte of each class.
    package var representatives: [UInt8] {
        var first = [UInt8](repeating: 0, count: sizes.count)
        for byte in (0...255).reversed() { first[Int(classes[byte])] = UInt8(byte) }
        return first
    }
}
