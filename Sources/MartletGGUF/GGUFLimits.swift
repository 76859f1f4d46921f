/// The limits for model files. Real files stay far below.
enum GGUFLimits {
    static let metadataCount: UInt64 = 1 << 16
    static let tensorCount: UInt64 = 1 << 17
    static let keyLength: UInt64 = 65_535
    /// The limit of libllama, which has 64 bytes with the terminating zero.
    static let tensorNameLength: UInt64 = 63
    static let dimensionCount: UInt32 = 4
    /// The bytes of one text.
    static let stringLength: UInt64 = 64 << 20
    /// The bytes of a text that is stored. Longer texts, such as token lists, are only checked to lie within the
    /// file.
    static let retainedStringLength: UInt64 = 4 << 10
    /// The bytes of a chat template that is stored. The longest known template has about 60 KiB.
    static let retainedTemplateLength: UInt64 = 1 << 20
    /// The elements of an array that is stored: one for each layer, of which a model has at most 1,024.
    static let retainedListCount: UInt64 = 1_024
    static let alignment: UInt32 = 1 << 16
}
