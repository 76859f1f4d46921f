package import MartletProtocol

/// 1 retention, 2 pinned prefix, 3 whether the summary explains the reuse, 4 the smallest run that is moved.
///
/// An absent retention is `normal`, which journals of version 4 without the field mean.
extension CacheParameters: FieldRecord {
    package static var blank: Self { Self() }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        var prefix = prefix?.rawValue
        try coder.field(1, &retention)
        try coder.field(2, &prefix)
        try coder.field(3, &isExplained)
        try coder.field(4, &shiftLength)
        self.prefix = prefix.map(PinnedPrefixID.init)
    }
}

/// 0 normal, 1 none, 2 pinned: the default is the absent value.
extension CacheParameters.Retention: FieldCase {
    package static var name: StaticString { "retention in the cache" }
    package var fieldNumber: UInt64 {
        switch self {
        case .normal: 0
        case .none: 1
        case .pinned: 2
        }
    }
}

/// 1 scope of the cache, 2 key of the fair share. Both are absent for the owner of a server without keys.
extension TenantKeys: FieldRecord {
    package static var blank: Self { Self() }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &cacheScope)
        try coder.field(2, &fairShare)
    }
}

/// 1 kind, 2 piece, 3 offset, 4 whether it is pinned.
extension PromptBoundary: FieldRecord {
    package static var blank: Self { Self(.message, piece: 0, offset: 0) }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &kind)
        try coder.field(2, &piece)
        try coder.field(3, &offset)
        try coder.field(4, &isPinned)
    }
}

/// 0 a message, 1 a message of the user, 2 the text that opens the reply.
extension PromptBoundary.Kind: FieldCase {
    package static var name: StaticString { "kind of a prompt's boundary" }
    package var fieldNumber: UInt64 {
        switch self {
        case .message: 0
        case .userMessage: 1
        case .generationPrompt: 2
        }
    }
}

/// 1 reason, 2 matched tokens, 3 tier, 4 whether a checkpoint was used, 5 pinned prefix, 6 the first difference,
/// 7 the reuse at other positions.
extension CacheReport: FieldRecord {
    package static var blank: Self { Self(.complete, matchedTokens: 0) }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        var prefix = prefix?.rawValue
        try coder.field(1, &reason)
        try coder.field(2, &matchedTokens)
        try coder.field(3, &tier)
        try coder.field(4, &usesCheckpoint)
        try coder.field(5, &prefix)
        try coder.field(6, &difference)
        try coder.field(7, &shift)
        self.prefix = prefix.map(PinnedPrefixID.init)
    }
}

/// 1 index of the token, 2 text of the prompt, 3 text of the cached prompt.
extension CacheReport.Difference: FieldRecord {
    package static var blank: Self { Self(index: 0, promptText: "", cachedText: "") }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &index)
        try coder.field(2, &promptText)
        try coder.field(3, &cachedText)
    }
}

/// 1 moved tokens, 2 whether the memory can be shifted.
extension CacheReport.Shift: FieldRecord {
    package static var blank: Self { Self(tokens: 0, isPossible: false) }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &tokens)
        try coder.field(2, &isPossible)
    }
}

/// The numbers of the cases in the order of their declaration. A number never gets another meaning.
extension CacheReport.Reason: FieldCase {
    package static var name: StaticString { "reason of a cache report" }
    package var fieldNumber: UInt64 {
        switch self {
        case .complete: 0
        case .empty: 1
        case .extended: 2
        case .differs: 3
        case .notRead: 4
        case .noCheckpoint: 5
        case .otherAdapters: 6
        case .alignment: 7
        }
    }
}

/// 0 the KV cache, 1 the memory of the host, 2 a file.
extension CacheTier: FieldCase {
    package static var name: StaticString { "tier of the cache" }
    package var fieldNumber: UInt64 {
        switch self {
        case .kvCache: 0
        case .ram: 1
        case .disk: 2
        }
    }
}
