import Llama

extension ThreadPlacement {
    /// The placement of threads for decode and for prefill. A setting of prefill that is not set equals that of decode.
    /// - Throws: If a mask or a range is no valid text.
    static func placements(
        _ values: SettingValues
    ) throws(SettingError) -> (ofTokens: ThreadPlacement, ofPrompts: ThreadPlacement) {
        var placement = ThreadPlacement()
        try placement.read(
            values, mask: .processorMask, range: .processorRange, strict: .strictProcessors,
            priority: .threadPriority, polling: .polling)
        var batchPlacement = placement
        try batchPlacement.read(
            values, mask: .batchProcessorMask, range: .batchProcessorRange, strict: .batchStrictProcessors,
            priority: .batchThreadPriority, polling: .batchPolling)
        return (placement, batchPlacement)
    }

    /// Reads one group of settings. Mask and range are combined.
    private mutating func read(
        _ values: SettingValues, mask: FlagKey, range: FlagKey, strict: FlagKey, priority: FlagKey,
        polling: FlagKey
    ) throws(SettingError) {
        if values.isChosen(mask) || values.isChosen(range) { processors = [] }
        if let text = values.text(mask) {
            guard let named = Self.processors(inMask: text) else {
                throw SettingError(
                    "--\(mask.rawValue) must be a hexadecimal number with a bit for each of up to \(Self.processorLimit) "
                        + "processors, at least one, not '\(text)'")
            }
            processors.formUnion(named)
        }
        if let text = values.text(range) {
            guard let named = Self.processors(inRange: text) else {
                throw SettingError(
                    "--\(range.rawValue) must be two numbers from 0 to \(Self.processorLimit - 1) with a hyphen between "
                        + "them, the smaller one first, not '\(text)'")
            }
            processors.formUnion(named)
        }
        if let text = values.text(strict) { isStrict = text == "1" }
        if let value = values.integer(priority).flatMap(Priority.init) { self.priority = value }
        if let value = values.integer(polling) { self.polling = value }
    }

    /// The processors of a hexadecimal mask: `0x5` is 0 and 2. `nil` if it is no mask, is too long, or is empty.
    private static func processors(inMask text: String) -> Set<Int>? {
        var digits = text[...]
        if digits.lowercased().hasPrefix("0x") { digits = digits.dropFirst(2) }
        guard !digits.isEmpty, digits.utf8.count * 4 <= processorLimit else { return nil }
        var result: Set<Int> = []
        for (position, digit) in digits.reversed().enumerated() {
            guard digit.isASCII, let value = digit.hexDigitValue else { return nil }
            for bit in 0..<4 where value & (1 << bit) != 0 { result.insert(position * 4 + bit) }
        }
        return result.isEmpty ? nil : result
    }

    /// The processors of a range: `2-5`, `-5` from the first processor on, `2-` to the last one. `nil` if it is no
    /// range.
    private static func processors(inRange text: String) -> Set<Int>? {
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let low = parts[0].isEmpty ? 0 : Int(parts[0]),
            let high = parts[1].isEmpty ? processorLimit - 1 : Int(parts[1]), low >= 0, low <= high,
            high < processorLimit
        else { return nil }
        return Set(low...high)
    }
}
