import Foundation
import MartletTestSupport
import Testing

@testable import MartletCommands

/// Quoting for shells and for groff, with texts that try to leave their quotes.
@Suite struct ReferencePropertyTests {
    private static func text(_ random: inout SeededGenerator) -> String {
        let parts = [
            "'", "\"", "\\", "$(id)", "`id`", "a", " ", "[", "]", ":", "-", ".", "\\n", "#", "!", "{", "}", "é", "%s",
            "~",
        ]
        return (0..<Int.random(in: 0...12, using: &random)).map { _ in random.element(of: parts) }.joined()
    }

    /// A command with these texts as help, values and words.
    private static func command(_ texts: [String]) -> CommandReference {
        var command = CommandReference(path: ["martlet"], abstract: texts[0])
        command.flags = [
            FlagReference(names: ["--one", "-o"], values: [ValueReference(placeholder: "X")], help: texts[1]),
            FlagReference(
                names: ["--two"], values: [ValueReference(placeholder: "Y", completion: .files)], isRepeatable: true,
                help: texts[2]),
        ]
        command.subcommands = [CommandReference(path: ["martlet", "sub"], abstract: texts[3])]
        return command
    }

    private func run(_ tool: String, _ arguments: [String], _ text: String) throws -> (code: Int32, output: String) {
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(filePath: tool)
        process.arguments = arguments
        (process.standardInput, process.standardOutput, process.standardError) = (input, output, output)
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    /// One shell prints many texts, so that the test starts one process.
    @Test func aQuotedTextIsOneWordOfAShell() throws {
        var random = SeededGenerator(seed: 3)
        let texts = (0..<300).map { _ in Self.text(&random) } + ["", "'", "''", "a'b'c", "\n", "世'"]
        let script = texts.map { "printf '%s\\0' \(ShellCompletion.quoted($0))\n" }.joined()
        let result = try run("/bin/sh", ["-s"], script)
        #expect(result.code == 0)
        #expect(
            Array(result.output.split(separator: "\0", omittingEmptySubsequences: false).dropLast())
                == texts.map { $0[...] })
    }

    @Test(arguments: 0..<40) func bashAcceptsScriptsWithAnyHelp(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let command = Self.command((0..<4).map { _ in Self.text(&random) })
        guard FileManager.default.isExecutableFile(atPath: "/bin/bash") else { return }
        let result = try run("/bin/bash", ["-n"], BashCompletion(command: command).script)
        #expect(result.code == 0 && result.output.isEmpty, "\(result.output)")
    }

    /// The parts of a specification, as `_arguments` of zsh reads them: a backslash takes the next character.
    private func parts(_ specification: Substring) -> (head: String, help: String, rest: String)? {
        var head = ""
        var help = ""
        var rest = specification
        while let character = rest.popFirst(), character != "[" { head.append(character) }
        while let character = rest.popFirst(), character != "]" {
            guard character == "\\" else {
                help.append(character)
                continue
            }
            guard let next = rest.popFirst() else { return nil }
            help.append(next)
        }
        return (head, help, String(rest))
    }

    /// The words of a line of shell that has single quotes only.
    private func words(_ line: Substring) -> [String]? {
        var words: [String] = []
        var word: String?
        var isQuoted = false
        var rest = line
        while let character = rest.popFirst() {
            switch character {
            case "'": (isQuoted, word) = (!isQuoted, word ?? "")
            case " " where !isQuoted:
                if let ended = word { words.append(ended) }
                word = nil
            case "\\" where !isQuoted: if let next = rest.popFirst() { word = (word ?? "") + String(next) }
            default: word = (word ?? "") + String(character)
            }
        }
        if let word { words.append(word) }
        return isQuoted ? nil : words
    }

    @Test(arguments: 0..<100) func zshAndFishShowTheHelpAsItIs(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) + 200)
        let texts = (0..<4).map { _ in Self.text(&random) }
        let command = Self.command(texts)
        let zsh = ZshCompletion(command: command).script.split(separator: "\n")
        for (index, name) in [(1, "--one="), (1, "-o"), (2, "*--two=")] {
            let found = zsh.compactMap { words($0.drop { $0 == " " })?.first }.compactMap { parts($0[...]) }
            let specification = try #require(found.first { $0.head == name }, "\(name)")
            #expect(specification.help == ShellCompletion.summary(texts[index]), "\(name)")
            #expect(specification.rest == (index == 1 ? ":X:" : ":Y:_files"))
        }
        let fish = FishCompletion(command: command).script.split(separator: "\n")
        for (index, option) in [(1, "-l one"), (2, "-l two")] {
            let line = try #require(fish.first { $0.contains(" \(option) ") })
            // Within single quotes fish reads a backslash before a quote or a backslash.
            let description = try #require(words(line)?.last)
            let decoded = description.replacingOccurrences(of: "\\\\", with: "\\")
            #expect(decoded == ShellCompletion.summary(texts[index]), "\(line)")
        }
    }

    /// Lines that groff reads as macros are those of the page itself.
    @Test(arguments: 0..<100) func noTextBecomesAMacroOfTheManPage(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) + 400)
        let texts = (0..<4).map { _ in
            Self.text(&random) + random.element(of: ["", "\n.so /etc/passwd", "\n'br", "\n\n.x"])
        }
        var command = Self.command(texts)
        command.subcommands[0].discussion = texts[0]
        command.subcommands[0].flags = command.flags
        command.subcommands[0].arguments = [
            ArgumentReference(value: ValueReference(placeholder: "F"), help: texts[1])
        ]
        let page = ManualPage(command: command, version: "1").text
        let macros = [".\\\"", ".TH ", ".SH ", ".SS ", ".TP", ".PP", ".br"]
        for line in page.split(separator: "\n") {
            #expect(!line.hasPrefix("'"), "\(line)")
            #expect(!line.hasPrefix(".") || macros.contains { line.hasPrefix($0) }, "\(line)")
        }
    }

    @Test(arguments: 0..<200) func anEscapedTextIsReadBackByGroff(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) + 600)
        let text = Self.text(&random) + "^~`'-"
        let escaped = ManualPage.escaped(text)
        #expect(!escaped.hasPrefix(".") && !escaped.hasPrefix("'"))
        // The plain reader of the escapes that the page uses.
        var decoded = ""
        var rest = escaped[...]
        while let character = rest.popFirst() {
            guard character == "\\" else {
                decoded.append(character)
                continue
            }
            switch rest.popFirst() {
            case "e": decoded.append("\\")
            case "-": decoded.append("-")
            case "&": break
            case "(":
                let name = rest.prefix(2)
                rest = rest.dropFirst(2)
                decoded += ["ti": "~", "ha": "^", "ga": "`", "aq": "'"][String(name)] ?? "?"
            default: decoded += "?"
            }
        }
        #expect(decoded == text)
    }
}
