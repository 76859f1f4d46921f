import Foundation
import Testing

@testable import MartletCommands

/// The man page and the completions name all that the program accepts.
@Suite struct ReferenceTests {
    private let reference: CommandReference

    init() throws { reference = try MartletCommand.reference() }

    private func command(_ name: String) -> CommandReference? { reference.all.first { $0.name == name } }

    @Test func everyCommandIsInTheReference() {
        let names = Set(reference.all.map(\.name))
        #expect(
            names.isSuperset(of: [
                "martlet", "martlet serve", "martlet chat", "martlet run", "martlet worker", "martlet streams ls",
                "martlet streams show",
                "martlet streams export", "martlet streams rm", "martlet schema check", "martlet template render",
                "martlet template parse", "martlet template formats", "martlet bench", "martlet doctor",
                "martlet flags",
            ]))
        #expect(!names.contains("martlet help"))
        #expect(reference.all.allSatisfy { !$0.abstract.isEmpty })
    }

    @Test func serveAndWorkerHaveTheFlagsOfTheTable() {
        for (name, settings) in [
            ("martlet serve", SettingTable.settings(of: .serve)),
            ("martlet worker", SettingTable.settings(of: .worker)),
        ] {
            let names = Set(command(name)?.flags.flatMap(\.names) ?? [])
            #expect(names.isSuperset(of: settings.flatMap { $0.names + $0.negativeNames }), "\(name)")
            #expect(names.isSuperset(of: ["-h", "--help", "--version"]), "\(name)")
        }
    }

    @Test func everyFlagIsInTheManPage() {
        let page = ManualPage(command: reference, version: "1.2.3").text
        #expect(page.hasPrefix(".\\\" Made by"))
        for member in reference.all where member.name != "martlet worker" {
            for name in member.flags.flatMap(\.names) {
                #expect(page.contains("\\fB" + ManualPage.escaped(name) + "\\fR"), "\(member.name) \(name)")
            }
        }
        for variable in SettingTable.all.flatMap(\.environmentNames) { #expect(page.contains(variable)) }
    }

    @Test(arguments: [(".x", "\\&.x"), ("a-b", "a\\-b"), ("\\n", "\\en"), ("it's", "it\\(aqs"), ("~/", "\\(ti/")])
    func manPageEscapesWhatGroffWouldRead(text: String, escaped: String) {
        #expect(ManualPage.escaped(text) == escaped)
    }

    @Test func everyFlagIsInTheBashCompletion() {
        let lines = BashCompletion(command: reference).script.split(separator: "\n")
        for member in reference.all {
            let words =
                lines.first { $0.hasPrefix("        '\(member.name)') words=") }?.split { " '".contains($0) } ?? []
            for word in member.flags.flatMap(\.names) + member.subcommands.map(\.word) {
                #expect(words.contains(Substring(word)), "\(member.name) \(word)")
            }
        }
    }

    @Test func everyFlagIsInTheZshCompletion() throws {
        let script = ZshCompletion(command: reference).script
        #expect(script.hasPrefix("#compdef martlet\n"))
        for member in reference.all {
            let head = "\n_" + member.path.joined(separator: "_") + "() {"
            let start = try #require(script.range(of: head), "\(member.name)").upperBound
            let body = script[start...].prefix(
                upTo: script.range(of: "\n}", range: start..<script.endIndex)?.lowerBound ?? start)
            for name in member.flags.flatMap(\.names) {
                let isListed = ["'", "'*"].contains { mark in
                    ["[", "=["].contains { body.contains(mark + name + $0) }
                }
                #expect(isListed, "\(member.name) \(name)")
            }
            for word in member.subcommands.map(\.word) { #expect(body.contains(" \(word)) _martlet")) }
        }
    }

    /// The quotes of a specification are closed in its line, so that no text can leave it.
    @Test func zshSpecificationsAreWholeLines() {
        let script = ZshCompletion(command: reference).script
        for line in script.split(separator: "\n") where line.hasPrefix("        '") {
            #expect(line.hasSuffix("'") || line.hasSuffix("' \\"), "\(line)")
            #expect(line.count(where: { $0 == "'" }) % 2 == line.count(of: "'\\''") % 2, "\(line)")
        }
        for (open, close) in [("() {", "\n}"), ("case ", "esac")] {
            #expect(script.count(of: open) == script.count(of: close), "\(open)")
        }
    }

    @Test func everyFlagIsInTheFishCompletion() {
        let lines = FishCompletion(command: reference).script.split(separator: "\n")
        for member in reference.all {
            let own = lines.filter { $0.hasPrefix("complete -c martlet -n '__martlet_at \(member.name)' ") }
            let text = own.joined(separator: "\n")
            for name in member.flags.flatMap(\.names) {
                let option =
                    name.hasPrefix("--")
                    ? "-l \(name.dropFirst(2))"
                    : name.count == 2 ? "-s \(name.dropFirst())" : "-o \(name.dropFirst())"
                #expect(text.contains(" \(option) "), "\(member.name) \(name)")
            }
            for word in member.subcommands.map(\.word) { #expect(text.contains(" -a \(word) ")) }
        }
    }

    @Test func choicesFilesAndFoldersCompleteTheirFlags() {
        let serve = command("martlet serve")
        func completion(_ name: String) -> ValueReference.Completion? {
            serve?.flags.first { $0.names.contains(name) }?.values.first?.completion
        }
        #expect(completion("--durability") == .words(["none", "write", "fsync"]))
        #expect(completion("--flash-attn") == .words(["on", "off", "auto"]))
        #expect(completion("--parallel") == .words(["auto"]))
        #expect(completion("--model") == .files)
        #expect(completion("--state-dir") == .folders)
        #expect(completion("--port") == .unknown)
        #expect(completion("--metrics") == nil)
        #expect(
            command("martlet flags")?.flags.first { $0.names == ["--completions"] }?.values.first?.completion
                == .words(["bash", "zsh", "fish"]))
    }

    @Test(arguments: [
        ("Serve it.", "Serve it"), ("One. Two.", "One"), ("Version 1.2 of it. More.", "Version 1.2 of it"), ("x", "x"),
    ]) func aCompletionShowsTheFirstSentence(help: String, summary: String) {
        #expect(ShellCompletion.summary(help) == summary)
    }

    @Test func theOverviewNamesEachCommandInItsGroup() {
        let lines = MartletCommand.overview.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 24)
        #expect(lines.allSatisfy { $0.count <= 100 })
        for command in reference.subcommands where command.word != "worker" {
            #expect(
                lines.contains { $0.contains(" \(command.word) ") && $0.hasSuffix(command.abstract) }, "\(command.word)"
            )
        }
        for group in ["Use", "Models", "Check", "Develop", "Print"] {
            #expect(lines.count { $0.hasPrefix("  \(group) ") } == 1)
        }
    }

    // MARK: With the tools themselves, where the machine has them

    private static func path(of tool: String) -> String? {
        ["/usr/bin/", "/bin/", "/usr/local/bin/", "/opt/homebrew/bin/"].map { $0 + tool }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Runs a tool over `text` in a file.
    /// - Returns: The exit code, and what the tool wrote to standard output and standard error.
    private func run(_ tool: String, _ arguments: [String], on text: String) throws -> (code: Int32, output: String) {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = arguments + [file.path]
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    @Test(arguments: ShellCompletion.allCases) func shellsAcceptTheirScripts(shell: ShellCompletion) throws {
        guard let tool = Self.path(of: shell.rawValue) else { return }
        let result = try run(tool, ["-n"], on: shell.script(for: reference))
        #expect(result.code == 0 && result.output.isEmpty, "\(result.output)")
    }

    @Test func groffRendersTheManPageWithoutWarnings() throws {
        guard let tool = Self.path(of: "groff") else { return }
        let page = ManualPage(command: reference, version: MartletVersion.current).text
        let result = try run(tool, ["-ww", "-z", "-Tutf8", "-man"], on: page)
        #expect(result.code == 0 && result.output.isEmpty, "\(result.output)")
    }

    /// Completes a command line as bash does.
    private func bash(_ words: String...) throws -> [Substring]? {
        guard let tool = Self.path(of: "bash") else { return nil }
        let list = words.map { ShellCompletion.quoted($0) }.joined(separator: " ")
        let script =
            BashCompletion(command: reference).script
            + "COMP_WORDS=(\(list)); COMP_CWORD=\(words.count - 1); _martlet\n"
            + "printf '%s\\n' \"${COMPREPLY[@]}\"\n"
        return try run(tool, [], on: script).output.split(separator: "\n")
    }

    @Test func bashCompletesCommandsFlagsAndValues() throws {
        guard let commands = try bash("martlet", "s") else { return }
        #expect(Set(commands) == ["serve", "streams", "schema", "show"])
        #expect(try bash("martlet", "streams", "r") == ["rm"])
        #expect(try bash("martlet", "streams", "rm", "--en") == ["--ended"])
        #expect(try bash("martlet", "serve", "--durab") == ["--durability"])
        #expect(try bash("martlet", "serve", "--durability", "f") == ["fsync"])
        #expect(try bash("martlet", "serve", "--durability", "=", "w") == ["write"])
        #expect(try bash("martlet", "serve", "--durability", "=") == ["none", "write", "fsync"])
        #expect(try bash("martlet", "serve", "--port", "8") == [])
        #expect(try bash("martlet", "chat", "--model", "/etc/passw")?.contains("/etc/passwd") == true)
    }
}

extension StringProtocol {
    fileprivate func count(of part: String) -> Int { components(separatedBy: part).count - 1 }
}
