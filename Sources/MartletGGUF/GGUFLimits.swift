/// The most that is taken from a model file. Real files stay far below.
enum GGUFLimits {
    static let metadataCount: UInt64 = 1 << 16
    static let tensorCount: UInt64 = 1 << 17
    static let keyLength: UInt64 = 65_535
    /// What libllama takes, its end included.
    static let tensorNameLength: UInt64 = 63
    static let dimensionCount: UInt32 = 4
    /// Of one text.
    static let stringLength: UInt64 = 64 << 20
    /// Of a text that is kept. Of longer ones only the place is checked.
    static let retainedStringLength: UInt64 = 4 << 10
    static let alignment: UInt32 = 1 << 16
}
