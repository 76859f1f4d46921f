/// One item of a prompt: a token, or an image or sound that takes several positions.
///
/// A history stores items as `Int32`: a token as its id, and each position of a media item as a negative code that
/// `MediaTable` assigns. Two codes are equal if digest and offset are equal. Therefore the prefix tree, the tiers and the
/// comparison of prompts work on plain integers, and a prompt of tokens only costs nothing more.
enum PromptItem: Sendable, Hashable {
    case token(Int32)
    case media(MediaItem)
}

/// An image or sound of a prompt, identified by the digest of its content.
struct MediaItem: Sendable, Hashable {
    /// A digest of the content and of everything that its encoding depends on.
    var digest: [UInt8]
    /// The number of cells that it takes in the KV cache; at least 1.
    var tokenCount: Int
    /// The number of positions that it takes; it may differ from the number of cells.
    var positionCount: Int
}

/// The codes of media items in histories. Codes stay valid as long as the engine runs.
///
/// Example: an image with 3 cells gets the codes -1, -2 and -3 wherever it occurs.
///
/// Thread: the engine thread only.
struct MediaTable: Sendable {
    private var first: [MediaItem: Int32] = [:]
    /// The items by the first of their codes, descending.
    private var items: [(code: Int32, item: MediaItem)] = []
    private var nextCode: Int32 = -1

    init() {}

    /// Appends the codes of an item to a history.
    ///
    /// - Returns: `false` if all codes are used; nothing is appended then.
    /// - Complexity: linear in the cells of the item.
    mutating func append(_ item: PromptItem, to history: inout [Int32]) -> Bool {
        switch item {
        case .token(let token): history.append(token)
        case .media(let media):
            guard media.tokenCount > 0, let code = code(of: media) else { return false }
            for offset in 0..<Int32(media.tokenCount) { history.append(code - offset) }
        }
        return true
    }

    /// The item that a history has at an index, and the number of its cells before that index; a token has none.
    func item(of code: Int32) -> (item: PromptItem, offset: Int)? {
        guard code < 0 else { return (.token(code), 0) }
        var (low, high) = (0, items.count)
        while low < high {
            let middle = (low + high) / 2
            if items[middle].code >= code { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let (first, item) = items[low - 1]
        let offset = Int(first) - Int(code)
        return offset < item.tokenCount ? (.media(item), offset) : nil
    }

    /// How many of the first `count` items of a history form whole media items: a media item is computed as a whole.
    func wholeCount(_ count: Int, of history: [Int32]) -> Int {
        guard count > 0, count < history.count, history[count] < 0, let found = item(of: history[count]) else {
            return count
        }
        return count - found.offset
    }

    private mutating func code(of media: MediaItem) -> Int32? {
        if let known = first[media] { return known }
        guard media.tokenCount < Int(nextCode) - Int(Int32.min) else { return nil }
        let code = nextCode
        nextCode -= Int32(media.tokenCount)
        first[media] = code
        items.append((code, media))
        return code
    }
}
