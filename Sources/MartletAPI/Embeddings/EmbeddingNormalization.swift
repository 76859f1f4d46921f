import MartletPlatform

/// What is done to the length of a vector. Numbers as at llama-server.
package enum EmbeddingNormalization: Sendable, Equatable {
    case none
    /// The largest number becomes 32,760, so that all fit 16 bits.
    case largest
    /// The sum of what the numbers are without their signs becomes 1.
    case taxicab
    case euclidean
    /// The p-norm becomes 1.
    case power(Int)

    /// - Parameter number: -1 or more.
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

    /// A vector of nothing but zeros stays as it is.
    package func apply(to vector: ArraySlice<Float>) -> [Float] {
        let length = length(of: vector)
        guard length > 0, length.isFinite else { return Array(vector) }
        return vector.map { Float(Double($0) / length) }
    }

    /// What each number is divided by.
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
