import MartletPlatform
import Testing

@testable import MartletCommands

/// Stored conversations on a real file system.
@Suite struct ConversationStoreTests {
    /// Runs the body with a store in a folder that is removed afterwards.
    private func withStore(_ body: (ConversationStore) throws -> Void) throws {
        var template = Array("/tmp/martlet-chats-XXXXXX".utf8CString)
        let path = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer { _ = try? FileManagerRemoval.remove(path) }
        try body(try #require(ConversationStore { $0 == "XDG_STATE_HOME" ? path : nil }))
    }

    private func conversation(_ text: String) -> Conversation {
        Conversation(
            system: "Be brief.", model: nil,
            messages: [.init(role: "user", content: text), .init(role: "assistant", content: "世界\n\"x\"")])
    }

    @Test func aConversationSurvivesItsFile() throws {
        try withStore { store in
            #expect(store.list().isEmpty)
            try store.save(conversation("first?"), as: "notes")
            #expect(try store.load("notes") == conversation("first?"))
            try store.save(conversation("changed\nagain"), as: "notes")
            #expect(store.names() == ["notes"])
            let entry = try #require(store.list().first)
            #expect(entry.preview == "changed again" && entry.messageCount == 1)
            store.remove("notes")
            #expect(store.names().isEmpty)
        }
    }

    @Test func wrongNamesAreRefused() throws {
        try withStore { store in
            for name in ["", "../x", "a/b", ".hidden", String(repeating: "x", count: 65), "a\nb"] {
                #expect(throws: SettingError.self) { try store.save(conversation("x"), as: name) }
                #expect(throws: SettingError.self) { try store.load(name) }
            }
            try store.save(conversation("x"), as: "notes")
            #expect(throws: SettingError("there is no conversation 'note'; did you mean 'notes'?")) {
                try store.load("note")
            }
        }
    }

    @Test func chatsOfTheSameSecondHaveDifferentNames() throws {
        try withStore { store in
            for text in ["first", "second", "third"] {
                try store.save(conversation(text), as: store.freeName(milliseconds: 500))
            }
            #expect(store.names() == ["1970-01-01-000000", "1970-01-01-000001", "1970-01-01-000002"])
        }
    }

    @Test func onlyTheNewestUnnamedConversationsAreRetained() throws {
        try withStore { store in
            try store.save(conversation("named"), as: "1999")
            let limit = ConversationStore.automaticLimit
            for index in 0..<limit + 3 {
                let name = ConversationStore.automaticName(milliseconds: Int64(index) * 1_000)
                try store.save(conversation("x"), as: name)
            }
            #expect(store.names().count == limit + 1)
            #expect(store.names().contains("1999"))
            #expect(!store.names().contains("1970-01-01-000002"))
            #expect(store.names().contains("1970-01-01-000003"))
        }
    }
}

/// Removes a folder of a test with everything in it.
private enum FileManagerRemoval {
    static func remove(_ path: String) throws {
        for name in ["chats"] {
            let folder = path + "/martlet/" + name
            if let stream = opendir(folder) {
                while let entry = readdir(stream) {
                    let file = withUnsafeBytes(of: &entry.pointee.d_name) {
                        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                    }
                    unlink(folder + "/" + file)
                }
                closedir(stream)
            }
            rmdir(folder)
        }
        rmdir(path + "/martlet")
        rmdir(path)
    }
}
