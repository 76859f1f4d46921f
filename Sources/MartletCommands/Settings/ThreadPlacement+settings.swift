import Llama

extension ThreadPlacement {
    /// Those of threads that generate tokens and of threads that read prompts. What a flag for prompts does not say is
    /// as for tokens.
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

    /// The numbers of the bits that are set. The last digit has the first four.
    private static func processors(inMask text: String) -> Set<Int>? {
        var digits = text[...]
        if digits.lowercased().hasPrefix("0x") { digits = digits.dropFirst(2) }
        guard !digits.isEmpty, digits.utf8.count * 4 <= processorLimit else { return nil }
        var result: Set<Int> = []
        for (place, digit) in digits.reversed().enumerated() {
            guard digit.isASCII, let value = digit.hexDigitValue else { return nil }
            for bit in 0..<4 where value & (1 << bit) != 0 { result.insert(place * 4 + bit) }
        }
        return result.isEmpty ? nil : result
    }

    /// `2-5`; without a number on one side, from the first or to the last processor.
    private static func processors(inRange text: String) -> Set<Int>? {
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let low = parts[0].isEmpty ? 0 : Int(parts[0]),
            let high = parts[1].isEmpty ? processorLimit - 1 : Int(parts[1]), low >= 0, low <= high,
            high < processorLimit
        else { return nil }
        return Set(low...high)
    }
}
