import MartletPlatform

/// The norm by which an embedding is divided. The numbers of `embd_normalize` are llama-server's.
package enum EmbeddingNormalization: Sendable, Equatable {
    case none
    /// The maximum norm becomes 32,760, so that every number fits 16 bits.
    case largest
    /// The sum of the absolute values becomes 1.
    case taxicab
    /// The Euclidean length becomes 1.
    case euclidean
    /// The p-norm becomes 1; p >= 3.
    case power(Int)

    /// - Parameter number: -1 = none, 0 = maximum norm, 1 = taxicab, 2 = Euclidean, p = p-norm.
    package init(_ number: Int) {
        self =
            switch number {
            case ..<0: .none
            case 0: .largest
            case 1: .taxicab
            case 2: .euclidean
            default: .power(number)
            }
    }

    /// Divides a vector by its norm. A vector of zeros, or one whose norm is not finite, stays unchanged.
    ///
    /// Sums are computed in double precision, so the result does not depend on the order of large and small numbers.
    package func apply(to vector: ArraySlice<Float>) -> [Float] {
        let length = length(of: vector)
        guard length > 0, length.isFinite else { return Array(vector) }
        return vector.map { Float(Double($0) / length) }
    }

    /// The number by which each element is divided.
    private func length(of vector: ArraySlice<Float>) -> Double {
        switch self {
        case .none: 1
        case .largest: Double(vector.reduce(0) { max($0, abs($1)) }) / 32_760
        case .taxicab: vector.reduce(0) { $0 + Double(abs($1)) }
        case .euclidean: vector.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        case .power(let power):
            pow(vector.reduce(0) { $0 + pow(Double(abs($1)), Double(power)) }, 1 / Double(power))
        }
    }
}
