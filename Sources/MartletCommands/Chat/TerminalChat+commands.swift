import MartletObservability
import MartletText

/// The commands that read or write files, or need the list of models.
extension TerminalChat {
    /// Lists the models, or selects one that the server has and waits until it is loaded.
    mutating func selectModel(_ wanted: String?) async {
        do throws(ChatClient.Failure) {
            models = try await client.modelNames()
            guard let wanted else { return show(.line(models.map(\.printable).joined(separator: "\n"))) }
            let name = try await client.select(wanted) { drawLive(status: LoadState.text(fraction: $0)) }
            session.conversation.model = name
            show(.line("Model: \(name.printable)"))
        } catch {
            show(.error(error.description))
        }
    }

    /// Performs an effect on the stored conversations.
    /// - Returns: Further effects.
    mutating func storing(_ effect: ChatSession.Effect) -> [ChatSession.Effect] {
        guard let store else {
            return effect == .persist || effect == .separate
                ? []
                : [.show(.error("nothing is kept on disk, because there is no home folder or --no-history is set"))]
        }
        do throws(SettingError) {
            switch effect {
            case .persist: try persist(store)
            case .separate: name = nil
            case .save(let wanted):
                guard !session.conversation.messages.isEmpty else {
                    return [.show(.error("there is no message to store"))]
                }
                let old = name
                try persist(store, as: wanted)
                if let old, let name, !old.hasSameBytes(as: name) { store.remove(old) }
                return [.show(.line("Stored as \(name ?? "")."))]
            case .load(let wanted):
                guard let chosen = wanted ?? store.list().first?.name else {
                    return [.show(.error("there is no stored conversation"))]
                }
                let stored = try store.load(chosen)
                name = chosen
                return [.show(.remark("conversation \(chosen)"))] + session.adopt(stored)
            case .list: return [.show(.line(Self.table(store.list())))]
            default: break
            }
        } catch {
            return [.show(.error(error.description))]
        }
        return []
    }

    /// Writes the conversation under a new name, else under its name, else under the present time. A name that the store
    /// refuses does not become the conversation's.
    private mutating func persist(_ store: ConversationStore, as wanted: String? = nil) throws(SettingError) {
        guard !session.conversation.messages.isEmpty else { return }
        let name = wanted ?? name ?? store.freeName(milliseconds: Timestamp.milliseconds())
        try store.save(session.conversation, as: name)
        self.name = name
    }

    /// A line per conversation: name, messages, first message.
    private static func table(_ entries: [ConversationStore.Entry]) -> String {
        guard !entries.isEmpty else { return "There is no stored conversation." }
        let rows = entries.prefix(30).map { entry in
            [
                entry.name, entry.messageCount == 1 ? "1 message" : "\(entry.messageCount) messages",
                entry.preview.printable,
            ]
        }
        let more = entries.count > 30 ? "… and \(entries.count - 30) older ones" : ""
        return TextTable.text(rows) + more
    }
}
