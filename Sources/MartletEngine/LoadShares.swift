import MartletModels

/// The parts that the model and its draft model have in the progress of a load, by the bytes of their files.
///
/// Example: with 6 GB of the model and 2 GB of the draft model, the model's last byte is three quarters of the weights.
struct LoadShares: Sendable, Equatable {
    /// The model's part of all weights, 0 to 1.
    let model: Double

    /// Makes the shares of files with these sizes.
    init(modelBytes: UInt64, draftBytes: UInt64) {
        model = draftBytes == 0 ? 1 : Double(modelBytes) / (Double(modelBytes) + Double(draftBytes))
    }

    /// Reads the sizes of the files, those of a split model together.
    init(model path: String, draft: String?) {
        self.init(modelBytes: Self.byteCount(of: path), draftBytes: draft.map { Self.byteCount(of: $0) } ?? 0)
    }

    /// The progress of all weights when this part of the model's is read.
    func progress(ofModel fraction: Float) -> Double { model * Double(fraction) }

    /// The progress of all weights when this part of the draft model's is read.
    func progress(ofDraft fraction: Float) -> Double { model + (1 - model) * Double(fraction) }

    /// The bytes of a file, or of all parts of a split model.
    private static func byteCount(of path: String) -> UInt64 {
        let file = path.split(separator: "/").last.map(String.init) ?? path
        guard let part = SplitName(file), (2...1_000).contains(part.count) else {
            return FileListing.stamp(path)?.byteCount ?? 0
        }
        func padded(_ number: Int) -> String { String(String(number + 100_000).dropFirst()) }
        let stem = path.dropLast("-00001-of-00001.gguf".count)
        return (1...part.count).reduce(0) { sum, number in
            let part = FileListing.stamp("\(stem)-\(padded(number))-of-\(padded(part.count)).gguf")
            return sum &+ (part?.byteCount ?? 0)
        }
    }
}
