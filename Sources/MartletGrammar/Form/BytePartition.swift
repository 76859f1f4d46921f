/// Divides the 256 bytes into classes, finer with each step.
package struct BytePartition {
    package private(set) var classes = [UInt8](repeating: 0, count: 256)
    private var sizes = [256]

    package init() {}

    /// Each of `bytes` gets a class of its own.
    package mutating func split(_ bytes: [UInt8]) {
        for byte in bytes where sizes[Int(classes[Int(byte)])] > 1 {
            sizes[Int(classes[Int(byte)])] -= 1
            classes[Int(byte)] = UInt8(sizes.count)
            sizes.append(1)
        }
    }

    mutating func split(by set: ByteSet) {
        split(by: (0...255).map { set.contains($0) ? 1 : 0 }, count: 2)
    }

    /// - Parameter other: for each byte, its class in another partition, which has `count`.
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

    /// A byte of each class.
    package var representatives: [UInt8] {
        var first = [UInt8](repeating: 0, count: sizes.count)
        for byte in (0...255).reversed() { first[Int(classes[byte])] = UInt8(byte) }
        return first
    }
}
