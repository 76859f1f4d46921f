/// Passes over a whole vocabulary's scores, many at a time.
enum LogitScan {
    private typealias Lanes = SIMD16<Float>

    /// The largest score and the lowest token that has it.
    ///
    /// Scores that are not numbers count as minus infinity; of an empty or hopeless buffer the result is minus infinity.
    static func maximum(_ logits: UnsafeMutableBufferPointer<Float>) -> (token: Int, value: Float) {
        guard let base = logits.baseAddress else { return (0, -.infinity) }
        let raw = UnsafeRawPointer(base)
        let whole = logits.count / Lanes.scalarCount * Lanes.scalarCount
        var lanes = Lanes(repeating: -.infinity)
        var position = 0
        while position < whole {
            let block = raw.loadUnaligned(fromByteOffset: position &* 4, as: Lanes.self)
            lanes.replace(with: block, where: block .> lanes)
            position &+= Lanes.scalarCount
        }
        var best = -Float.infinity
        for lane in 0..<Lanes.scalarCount where lanes[lane] > best { best = lanes[lane] }
        while position < logits.count {
            if base[position] > best { best = base[position] }
            position &+= 1
        }
        return (first(equalTo: best, in: logits), best)
    }

    private static func first(equalTo value: Float, in logits: UnsafeMutableBufferPointer<Float>) -> Int {
        guard let base = logits.baseAddress else { return 0 }
        let raw = UnsafeRawPointer(base)
        let whole = logits.count / Lanes.scalarCount * Lanes.scalarCount
        var position = 0
        while position < whole {
            let block = raw.loadUnaligned(fromByteOffset: position &* 4, as: Lanes.self)
            if any(block .== value) { break }
            position &+= Lanes.scalarCount
        }
        while position < logits.count, base[position] != value { position &+= 1 }
        return position < logits.count ? position : 0
    }

    /// Calls `body` with every token whose score is at least a threshold, ascending; `body` returns the threshold from
    /// there on.
    @inline(__always)
    static func forEach(
        in logits: UnsafeMutableBufferPointer<Float>, atLeast threshold: Float, _ body: (Int, Float) -> Float
    ) {
        guard let base = logits.baseAddress else { return }
        let raw = UnsafeRawPointer(base)
        let whole = logits.count / Lanes.scalarCount * Lanes.scalarCount
        var threshold = threshold
        var position = 0
        while position < whole {
            let block = raw.loadUnaligned(fromByteOffset: position &* 4, as: Lanes.self)
            if any(block .>= threshold) {
                for token in position..<(position &+ Lanes.scalarCount) where base[token] >= threshold {
                    threshold = body(token, base[token])
                }
            }
            position &+= Lanes.scalarCount
        }
        while position < logits.count {
            if base[position] >= threshold { threshold = body(position, base[position]) }
            position &+= 1
        }
    }
}
