internal import MartletText

/// The header of a GGUF file, checked against the file's length: counts, sizes, alignment, and the extent of each
/// tensor.
///
///     "GGUF" version tensorCount metadataCount, pairs of key and value, tensor infos, padding, tensor data
///
/// No number in the file is trusted: each count and length has a limit, and memory is only used for bytes that
/// exist.
package struct GGUFHeader: Sendable, Equatable {
    /// The version of the format, 2 or 3.
    package private(set) var version: UInt32
    /// The metadata by key, e.g. `general.architecture`. Keys are ASCII by convention.
    package private(set) var metadata: [String: GGUFValue] = [:]
    /// The elements of arrays of at most `GGUFLimits.retainedListCount` whole numbers or booleans (0 and 1), by key.
    /// Such an array has one value for each layer, e.g. `llama.attention.head_count_kv`.
    package private(set) var lists: [String: [Int64]] = [:]
    /// The chat template (`tokenizer.chat_template`); `nil` if there is none or it exceeds
    /// `GGUFLimits.retainedTemplateLength`.
    package private(set) var chatTemplate: String?
    package private(set) var tensorCount: UInt64 = 0
    /// The tensors in the file's order.
    package private(set) var tensors: [GGUFTensor] = []
    /// The bytes of all tensors together.
    package private(set) var tensorByteCount: UInt64 = 0
    /// The offset of the tensors' data in the file.
    package private(set) var dataOffset: UInt64 = 0

    /// The number of files of a split model, and the number of this file, from 0; `nil` if the model is in one
    /// file.
    package var split: (count: Int, number: Int)? {
        guard let count = metadata["split.count"]?.integer, count > 1 else { return nil }
        let number = metadata["split.no"]?.integer ?? 0
        return (Int(count), Int(max(0, min(number, count - 1))))
    }

    /// Reads and checks a header.
    ///
    /// - Throws: a predicate that follows the file's name.
    /// - Complexity: linear in the header; arrays in the metadata are skipped.
    package init(_ source: some GGUFSource) throws(GGUFError) {
        var cursor = GGUFCursor(source)
        try Self.checkBeginning(try cursor.peek(256), length: cursor.length)
        try cursor.skip(4)
        version = try cursor.number()
        guard version != 1 else {
            throw GGUFError("is of GGUF version 1, which is too old; convert it again with a current tool")
        }
        guard (2...3).contains(version) else {
            throw GGUFError(
                version.byteSwapped <= 3
                    ? "is a big-endian GGUF file, which this machine cannot use"
                    : "is of GGUF version \(version), and this program knows 2 and 3; update it")
        }
        tensorCount = try cursor.number()
        let metadataCount: UInt64 = try cursor.number()
        try Self.checkCount(tensorCount, limit: GGUFLimits.tensorCount, of: "tensors")
        try Self.checkCount(metadataCount, limit: GGUFLimits.metadataCount, of: "metadata values")
        // The smallest metadata pair has 13 bytes (an empty key and a value of one byte), the smallest tensor info
        // has 24.
        let least = metadataCount * 13 + tensorCount * 24
        guard least <= cursor.remaining else {
            throw .truncated(length: cursor.length, needed: cursor.offset + least)
        }
        for _ in 0..<metadataCount { try readPair(&cursor) }
        try checkHyperparameters()
        try readTensors(&cursor)
    }

    /// Describes a file that does not begin with "GGUF": LFS pointers, web pages, older formats.
    private static func checkBeginning(_ bytes: [UInt8], length: UInt64) throws(GGUFError) {
        guard !bytes.starts(with: "GGUF".utf8) else { return }
        if bytes.isEmpty { throw GGUFError("is empty; download or copy it again") }
        if bytes.starts(with: "version https://git-lfs".utf8) {
            throw GGUFError("is only the pointer of a Git LFS file; fetch the file itself with 'git lfs pull'")
        }
        if bytes.starts(with: "FUGG".utf8) {
            throw GGUFError("is a big-endian GGUF file, which this machine cannot use")
        }
        if ["ggml", "ggmf", "ggjt", "lmgg", "fmgg", "tjgg"].contains(where: { bytes.starts(with: $0.utf8) }) {
            throw GGUFError("is in a format older than GGUF; convert it again with a current tool")
        }
        let text = String(decoding: bytes, as: UTF8.self).lowercased()
        if text.contains("<html") || text.contains("<!doctype") {
            throw GGUFError("is a web page, not a model; the download went wrong")
        }
        throw GGUFError("is not a GGUF file")
    }

    private static func checkCount(_ count: UInt64, limit: UInt64, of what: String) throws(GGUFError) {
        guard count <= limit else { throw .broken("it would have \(count) \(what), and \(limit) are allowed") }
    }

    // MARK: Metadata

    /// Reads a key with its value.
    private mutating func readPair(_ cursor: inout GGUFCursor<some GGUFSource>) throws(GGUFError) {
        let key = String(decoding: try cursor.text("a key", upTo: GGUFLimits.keyLength), as: UTF8.self)
        let value: GGUFValue
        switch try Self.kind(&cursor) {
        case .array:
            let (count, list) = try Self.readArray(&cursor)
            lists[key] = list
            value = .array(count: count)
        case .string where key == "tokenizer.chat_template": value = try readTemplate(&cursor)
        case let kind: value = try Self.value(kind, &cursor)
        }
        guard metadata.updateValue(value, forKey: key) == nil else {
            throw .broken("the metadata has '\(key.excerpt(bytes: 64))' twice")
        }
    }

    private static func kind(_ cursor: inout GGUFCursor<some GGUFSource>) throws(GGUFError) -> GGUFValueKind {
        let at = cursor.offset
        let number: UInt32 = try cursor.number()
        guard let kind = GGUFValueKind(rawValue: number) else {
            throw .broken("at byte \(at) is a value of the unknown kind \(number)")
        }
        return kind
    }

    /// Reads a value. Long texts and arrays are skipped.
    private static func value(
        _ kind: GGUFValueKind, _ cursor: inout GGUFCursor<some GGUFSource>
    ) throws(GGUFError) -> GGUFValue {
        switch kind {
        case .uint8: return .integer(Int64(try cursor.number(UInt8.self)))
        case .int8: return .integer(Int64(try cursor.number(Int8.self)))
        case .uint16: return .integer(Int64(try cursor.number(UInt16.self)))
        case .int16: return .integer(Int64(try cursor.number(Int16.self)))
        case .uint32: return .integer(Int64(try cursor.number(UInt32.self)))
        case .int32: return .integer(Int64(try cursor.number(Int32.self)))
        case .int64: return .integer(try cursor.number())
        case .uint64:
            let number: UInt64 = try cursor.number()
            return Int64(exactly: number).map { .integer($0) } ?? .large(number)
        case .float32: return .number(Double(Float(bitPattern: try cursor.number())))
        case .float64: return .number(Double(bitPattern: try cursor.number()))
        case .bool: return .bool(try cursor.number(UInt8.self) != 0)
        case .string:
            let length = try cursor.textLength("a text", upTo: GGUFLimits.stringLength)
            guard length <= GGUFLimits.retainedStringLength else {
                try cursor.skip(length)
                return .longText
            }
            return .text(String(decoding: try cursor.bytes(Int(length)), as: UTF8.self))
        case .array: return .array(count: try readArray(&cursor).count)
        }
    }

    /// Reads the chat template. The value in `metadata` follows the rule of all texts.
    private mutating func readTemplate(_ cursor: inout GGUFCursor<some GGUFSource>) throws(GGUFError) -> GGUFValue {
        let length = try cursor.textLength("a text", upTo: GGUFLimits.stringLength)
        guard length <= GGUFLimits.retainedTemplateLength else {
            try cursor.skip(length)
            return .longText
        }
        let text = String(decoding: try cursor.bytes(Int(length)), as: UTF8.self)
        chatTemplate = text
        return length <= GGUFLimits.retainedStringLength ? .text(text) : .longText
    }

    /// Reads a short array of whole numbers or booleans, and skips any other array.
    ///
    /// - Returns: the number of its elements, and the elements of a short array.
    private static func readArray(
        _ cursor: inout GGUFCursor<some GGUFSource>
    ) throws(GGUFError) -> (count: UInt64, list: [Int64]?) {
        let at = cursor.offset
        let kind = try kind(&cursor)
        let count: UInt64 = try cursor.number()
        // An element of varying size has at least the 8 bytes of its length.
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: kind.size ?? 8)
        guard !overflow else { throw .broken("an array at byte \(at) would have \(count) values") }
        guard byteCount <= cursor.remaining else {
            throw .truncated(
                length: cursor.length, needed: cursor.offset.addingReportingOverflow(byteCount).partialValue)
        }
        switch kind {
        case .string:
            for _ in 0..<count {
                try cursor.skip(try cursor.textLength("a text", upTo: GGUFLimits.stringLength))
            }
        case .array: throw .broken("at byte \(at) is an array of arrays")
        case .float32, .float64: try cursor.skip(byteCount)
        default:
            guard count <= GGUFLimits.retainedListCount else {
                try cursor.skip(byteCount)
                break
            }
            var list: [Int64] = []
            for _ in 0..<count {
                // A number above Int64.max is no count of anything; the list is then of no use.
                if let number = try wholeNumber(kind, &cursor) { list.append(number) }
            }
            return (count, UInt64(list.count) == count ? list : nil)
        }
        return (count, nil)
    }

    /// The next element of an array of whole numbers or booleans; `nil` above `Int64.max`.
    private static func wholeNumber(
        _ kind: GGUFValueKind, _ cursor: inout GGUFCursor<some GGUFSource>
    ) throws(GGUFError) -> Int64? {
        switch try value(kind, &cursor) {
        case .integer(let number): number
        case .bool(let isTrue): isTrue ? 1 : 0
        default: nil
        }
    }

    // MARK: Tensors

    /// Reads the tensor infos and checks that each tensor lies within the file.
    private mutating func readTensors(_ cursor: inout GGUFCursor<some GGUFSource>) throws(GGUFError) {
        let alignment = try alignment()
        var names: Set<ExactString> = []
        for _ in 0..<tensorCount {
            let tensor = try Self.tensor(&cursor)
            guard names.insert(tensor.name) else { throw .broken("it has the tensor '\(tensor.name)' twice") }
            guard tensor.offset % alignment == 0 else {
                throw .broken(
                    "tensor '\(tensor.name)' begins at \(tensor.offset), which is no multiple of \(alignment)")
            }
            let (sum, overflow) = tensorByteCount.addingReportingOverflow(tensor.byteCount)
            guard !overflow else { throw .broken("its tensors would have more bytes than can be counted") }
            tensorByteCount = sum
            tensors.append(tensor)
        }
        // The tensors' data begins at a multiple of the alignment, also if there are none.
        let begin = (cursor.offset + alignment - 1) / alignment * alignment
        dataOffset = begin
        guard !tensors.isEmpty else { return }
        for tensor in tensors {
            let (end, overflow) = tensor.offset.addingReportingOverflow(tensor.byteCount)
            let (needed, overflows) = begin.addingReportingOverflow(end)
            guard !overflow, !overflows else { throw .broken("tensor '\(tensor.name)' lies beyond any file's end") }
            guard needed <= cursor.length else { throw .truncated(length: cursor.length, needed: needed) }
        }
    }

    /// The alignment of tensor data, 32 by default.
    private func alignment() throws(GGUFError) -> UInt64 {
        guard let value = metadata["general.alignment"] else { return 32 }
        guard let number = value.integer, number > 0, number <= Int64(GGUFLimits.alignment), number & (number - 1) == 0
        else { throw .broken("'general.alignment' must be a power of two up to \(GGUFLimits.alignment)") }
        return UInt64(number)
    }

    /// Reads the info of one tensor and computes its size in bytes.
    private static func tensor(_ cursor: inout GGUFCursor<some GGUFSource>) throws(GGUFError) -> GGUFTensor {
        let name = String(
            decoding: try cursor.text("a tensor's name", upTo: GGUFLimits.tensorNameLength), as: UTF8.self)
        let dimensionCount: UInt32 = try cursor.number()
        guard dimensionCount <= GGUFLimits.dimensionCount else {
            throw .broken(
                "tensor '\(name)' would have \(dimensionCount) dimensions, and \(GGUFLimits.dimensionCount) are allowed"
            )
        }
        var dimensions: [UInt64] = []
        var elementCount: UInt64 = 1
        var rowLength: UInt64 = 1
        for index in 0..<dimensionCount {
            let size: Int64 = try cursor.number()
            let (product, overflow) = elementCount.multipliedReportingOverflow(by: UInt64(max(size, 0)))
            guard size > 0, !overflow, product <= UInt64(Int64.max) else {
                throw .broken("tensor '\(name)' would have a dimension of \(size)")
            }
            if index == 0 { rowLength = UInt64(size) }
            dimensions.append(UInt64(size))
            elementCount = product
        }
        let number: UInt32 = try cursor.number()
        let offset: UInt64 = try cursor.number()
        guard let type = GGUFTensorType(number: number) else {
            throw GGUFTensorType.removed.contains(number)
                ? GGUFError("has tensors of a kind (\(number)) that is no longer used; convert it again")
                : GGUFError("has tensors of a kind (\(number)) that this program does not know; update it")
        }
        guard rowLength % type.blockLength == 0 else {
            throw .broken("tensor '\(name)' has rows of \(rowLength) elements, which its blocks do not divide")
        }
        let (byteCount, overflow) = (elementCount / type.blockLength)
            .multipliedReportingOverflow(by: type.blockByteCount)
        guard !overflow else { throw .broken("tensor '\(name)' is larger than any file") }
        return GGUFTensor(
            name: name, dimensions: dimensions, typeNumber: number, offset: offset, byteCount: byteCount)
    }
}
