package import MartletChat
package import MartletStreams

/// 1 name, 2 reasoning, 3 content, 4 message head, 5 ignored, 6 calls.
extension ChatFormat: FieldRecord {
    package static var blank: Self { Self(name: "") }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &name)
        try coder.field(2, &reasoning)
        try coder.list(3, &content)
        try coder.field(4, &messageHead)
        try coder.list(5, &ignored)
        try coder.field(6, &calls)
    }

    package func validate() throws(FieldError) {
        var size = FormatSize()
        for enclosure in content + (reasoning.map { [$0] } ?? []) { size.add([enclosure.start] + enclosure.ends) }
        if let messageHead {
            size.add(messageHead.starts + messageHead.content + messageHead.reasoning + messageHead.callFillings)
            size.add([messageHead.end, messageHead.callFront, messageHead.call ?? ""])
        }
        size.add([name] + ignored)
        for form in (calls?.otherForms ?? []) + (calls.map { [$0] } ?? []) { form.add(to: &size) }
        guard size.isAllowed else { throw .invalid("chat format: too many delimiters") }
    }
}

/// The size of a format's delimiters, which the parser's tables depend on.
struct FormatSize {
    private var textCount = 0
    private var byteCount = 0
    /// Far above the formats of all known models: 3 KB.
    private static let byteLimit = 16_384
    private static let textLimit = 512

    var isAllowed: Bool { textCount <= Self.textLimit && byteCount <= Self.byteLimit }

    mutating func add(_ texts: [String]) {
        textCount += texts.count
        for text in texts { byteCount += text.utf8.count }
    }
}

extension ChatFormat.Delimiters: FieldRecord {
    package static var blank: Self { Self("") }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &start)
        try coder.list(2, &ends)
    }

    package func validate() throws(FieldError) {
        guard !ends.isEmpty else { throw .invalid("chat format: delimiters without an end") }
    }
}

extension ChatFormat.MessageHead: FieldRecord {
    package static var blank: Self { Self(starts: [], end: "", content: []) }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.list(1, &starts)
        try coder.field(2, &end)
        try coder.list(3, &content)
        try coder.list(4, &reasoning)
        try coder.field(5, &call)
        try coder.field(6, &callFront)
        try coder.list(7, &callFillings)
        try coder.field(8, &matchesWhole)
        try coder.field(9, &others)
    }
}

extension ChatFormat.MessageHead.Others: FieldCase {
    package static let allCases: [Self] = [.text, .discarded]
    package static var name: StaticString { "treatment of message heads" }
    package var fieldNumber: UInt64 {
        switch self {
        case .text: 0
        case .discarded: 1
        }
    }
}
