/// Vectorised passes over the logits of a whole vocabulary.
enum LogitScan {
    private typealias Lanes = SIMD16<Float>

    /// The largest logit and the lowest token that has it.
    ///
    /// Values that are not numbers count as minus infinity; the result is minus infinity if no logit is larger.
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

    /// Sets the logit of every token whose bit is not set to minus infinity.
    static func exclude(
        from logits: UnsafeMutableBufferPointer<Float>, allBut mask: UnsafeBufferPointer<UInt64>
    ) {
        for (index, word) in mask.enumerated() where word != .max {
            let end = min(64, logits.count - index * 64)
            for bit in 0..<max(0, end) where word >> UInt64(bit) & 1 == 0 { logits[index * 64 + bit] = -.infinity }
        }
    }

    /// Calls `body` with every token whose logit is at least the threshold, in ascending order; `body` returns the
    /// threshold for the next tokens.
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

    /// The sum of the exponentials of all logits minus `offset`, which must not be below any logit.
    ///
    /// Relative error below 1e-6. A term below e^-87 counts as e^-87; a value that is not a number counts as 0.
    static func sumOfExponentials(_ logits: UnsafeMutableBufferPointer<Float>, less offset: Float) -> Float {
        guard let base = logits.baseAddress else { return 0 }
        let raw = UnsafeRawPointer(base)
        let whole = logits.count / Lanes.scalarCount * Lanes.scalarCount
        var total = 0.0
        var position = 0
        while position < whole {
            // Partial sums in single precision stay short, so that their error stays small.
            let end = min(whole, position &+ 4096)
            var sum = Lanes.zero
            while position < end {
                sum += exponentials(raw.loadUnaligned(fromByteOffset: position &* 4, as: Lanes.self) - offset)
                position &+= Lanes.scalarCount
            }
            total += Double(sum.sum())
        }
        if position < logits.count {
            var rest = Lanes(repeating: -.infinity)
            for lane in 0..<(logits.count - position) { rest[lane] = base[position + lane] - offset }
            let terms = exponentials(rest)
            for lane in 0..<(logits.count - position) { total += Double(terms[lane]) }
        }
        return Float(total)
    }

    /// The exponential of values that are not above 0: a power of 2 that is assembled from bits, times the exponential
    /// series of the rest in ±ln 2 / 2.
    @inline(__always)
    private static func exponentials(_ values: Lanes) -> Lanes {
        let floor = Lanes(repeating: -87)
        let x = floor.replacing(with: values, where: values .> floor)
        // Adding this number rounds to an integer, whose bits are then the low bits of the sum.
        let magic = Lanes(repeating: 12_582_912)
        let shifted = x * 1.442_695_04 + magic
        let power = shifted - magic
        let rest = (x - power * 0.693_359_375) + power * 2.121_944_4e-4
        var series = rest * (1 / 720) + (1 / 120 as Float)
        series = series * rest + (1 / 24 as Float)
        series = series * rest + (1 / 6 as Float)
        series = series * rest + (0.5 as Float)
        series = series * rest + (1 as Float)
        series = series * rest + (1 as Float)
        // Both types have sixteen 32-bit lanes, and every bit pattern is valid in either.
        let exponent = unsafeBitCast(shifted, to: SIMD16<Int32>.self) &- unsafeBitCast(magic, to: SIMD16<Int32>.self)
        let bits = unsafeBitCast(series, to: SIMD16<Int32>.self) &+ (exponent &<< 23)
        return unsafeBitCast(bits, to: Lanes.self)
    }
}
