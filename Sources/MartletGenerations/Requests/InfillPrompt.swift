package import MartletProtocol

/// The tokens of a prompt that asks for the text of a gap.
///
/// The layout is the repository form of the code models of Qwen (arXiv 2409.12186), which other families share:
///
///     [repository] name [separator] file text … [separator] file [prefix] before [suffix] behind [middle]
///
/// Tokens that the vocabulary lacks are left out. A long text loses its part that is farthest from the gap, as at
/// llama-server: three quarters of a batch are for the text before the gap, one quarter is for the text behind it. Other
/// files fill what these texts and the completion leave of the context.
package struct InfillPrompt: Sendable, Equatable {
    /// The name of a file, followed by a line feed, and its text.
    package struct File: Sendable, Equatable {
        package var name: [Int32]
        package var text: [Int32]

        package init(name: [Int32], text: [Int32]) {
            self.name = name
            self.text = text
        }
    }

    /// The text before the gap, and the text behind it.
    package var prefix: [Int32]
    package var suffix: [Int32]
    /// The beginning of the completion, which follows the prefix.
    package var beginning: [Int32] = []
    /// Other files, the most important one last.
    package var files: [File] = []
    /// The name of the repository, and that of the file with the gap, each followed by a line feed.
    package var repositoryName: [Int32] = []
    package var fileName: [Int32] = []
    /// The text between files of models without a separator.
    package var fileDelimiter: [Int32] = []
    /// Whether the suffix precedes the prefix (`--spm-infill`).
    package var beginsWithSuffix = false

    package init(prefix: [Int32], suffix: [Int32]) {
        self.prefix = prefix
        self.suffix = suffix
    }

    /// The room for a prompt, in tokens.
    package struct Room: Sendable, Equatable {
        /// The largest number of tokens of one decode.
        package var batch: Int
        /// The largest number of tokens of one sequence.
        package var context: Int
        /// The number of tokens that the completion may have; 0 = unknown.
        package var completion: Int

        package init(batch: Int, context: Int, completion: Int) {
            self.batch = batch
            self.context = context
            self.completion = completion
        }

        /// Tokens of the layout itself: prefix, suffix, middle, beginning of the sequence.
        private static let layoutCount = 4

        /// The tokens for the completion: at most a quarter of the context, and an eighth if its length is unknown.
        private var reserve: Int { completion > 0 ? min(completion, context / 4) : context / 8 }

        /// The tokens for the file with the gap.
        var window: Int { max(Self.layoutCount, min(batch, context - reserve - Self.layoutCount)) }

        /// The tokens for other files.
        /// - Parameter used: the tokens of the texts at the gap.
        func files(beside used: Int) -> Int { max(0, context - reserve - Self.layoutCount - used) }
    }

    /// Shortens the texts to the room.
    /// - Returns: a warning for each text that was shortened, with its numbers of tokens.
    package mutating func fit(_ room: Room) -> [String] {
        var warnings: [String] = []
        let quarter = room.window / 4
        let before = min(prefix.count, 3 * quarter)
        if before < prefix.count {
            warnings.append("input_prefix: only the last \(before) of \(prefix.count) tokens are read")
            prefix.removeFirst(prefix.count - before)
        }
        let behind = min(suffix.count, max(0, quarter - 2 - beginning.count))
        if behind < suffix.count {
            warnings.append("input_suffix: only the first \(behind) of \(suffix.count) tokens are read")
            suffix.removeLast(suffix.count - behind)
        }
        return warnings
    }

    /// The tokens for a model. Other files are shortened to the room, from their beginning on.
    ///
    /// - Parameters:
    ///   - room: nil = all tokens of all files.
    ///   - tokens: the tokens of the vocabulary; without prefix, suffix and middle the layout has no meaning.
    /// - Returns: the tokens, and whether other files were shortened.
    package func tokens(_ tokens: InfillTokens, in room: Room? = nil) -> (tokens: [Int32], isShortened: Bool) {
        let context = context(tokens)
        let used = prefix.count + suffix.count + beginning.count
        let retained = min(context.count, room?.files(beside: used) ?? context.count)
        var result = [tokens.beginning].compactMap(\.self) + context.suffix(retained)
        let before = [tokens.prefix].compactMap(\.self) + prefix + beginning
        let behind = [tokens.suffix].compactMap(\.self) + suffix
        result += beginsWithSuffix ? behind + before : before + behind
        result += [tokens.middle].compactMap(\.self)
        return (result, retained < context.count)
    }

    /// Repository and files, before the file with the gap.
    private func context(_ tokens: InfillTokens) -> [Int32] {
        var context: [Int32] = []
        if let repository = tokens.repository, !repositoryName.isEmpty { context += [repository] + repositoryName }
        for file in files {
            if let separator = tokens.separator {
                context += [separator] + file.name
            } else {
                context += fileDelimiter
            }
            context += file.text
        }
        if let separator = tokens.separator, !fileName.isEmpty { context += [separator] + fileName }
        return context
    }
}
