import ArgumentParser
import Foundation
import Testing

@testable import MartletCommands

/// Command lines that are wrong: one line with the nearest flag, and one exit code for every command.
@Suite struct UsageTests {
    /// The line for a command line that the parser of the program refuses.
    private func line(_ arguments: [String]) throws -> String {
        let error = try #require(
            throws: (any Error).self, performing: { _ = try MartletCommand.parseAsRoot(arguments) })
        #expect(MartletCommand.exitCode(for: error) == .validationFailure)
        return UsageProblem.line(
            arguments: arguments, message: MartletCommand.message(for: error), program: try MartletCommand.reference())
    }

    @Test(arguments: [
        (["list", "--modls-dir", "x"], "unknown flag '--modls-dir' of 'martlet list'; did you mean '--models-dir'?"),
        (["chat", "--sys", "x"], "unknown flag '--sys' of 'martlet chat'; did you mean '--system'?"),
        (["show", "m", "--ctx=1"], "unknown flag '--ctx' of 'martlet show'; did you mean '--ctx-size'?"),
        (["ps", "-x"], "unknown flag '-x' of 'martlet ps'; 'martlet ps --help' lists all"),
        (["streams", "lss"], "unknown command 'martlet streams lss'; did you mean 'martlet streams ls'?"),
        (["schema", "xyzzy"], "unknown command 'martlet schema xyzzy'; 'martlet schema --help' lists all"),
        (["streams", "rm", "--al"], "unknown flag '--al' of 'martlet streams rm'; did you mean '--all'?"),
        (
            ["connect", "xx"],
            "the value 'xx' is invalid for '<client>'. Please provide one of the following: "
                + ClientSetup.Client.allCases.map(\.rawValue).joined(separator: ", ")
                + "; 'martlet connect --help' describes the command"
        ),
        (["load"], "missing expected argument '<model>'; 'martlet load --help' describes the command"),
        (
            ["doctor", "--port", "0"],
            "--port must be from 1 to 65535, not 0; 'martlet doctor --help' describes the command"
        ),
        (
            ["chat", "--url", "ftp://x"],
            "--url must be a server's URL such as http://127.0.0.1:8080, not 'ftp://x'; "
                + "'martlet chat --help' describes the command"
        ),
    ])
    func wrongUsageNamesTheFaultAndTheNearestWord(arguments: [String], expected: String) throws {
        #expect(try line(arguments) == expected)
    }

    @Test func wordsBehindTwoDashesAndNumbersAreNoFlags() throws {
        let line = try line(["doctor", "--port", "-1", "--", "--no-flag"])
        #expect(!line.contains("unknown flag"), "\(line)")
    }

    /// A flag of any command with one letter less, which is no flag, is answered with one line about that flag.
    @Test func eachFlagThatLostALetterIsNamed() throws {
        let program = try MartletCommand.reference()
        for command in program.all where command.subcommands.isEmpty && !["serve", "worker"].contains(command.word) {
            let names = Set<String>(command.flags.flatMap(\.names))
            for name in names where name.hasPrefix("--") && name.count > 6 {
                let wrong = String(name.dropLast())
                guard !names.contains(wrong) else { continue }
                let line = UsageProblem.line(
                    arguments: Array(command.path.dropFirst()) + [wrong], message: "", program: program)
                #expect(line.hasPrefix("unknown flag '\(wrong)' of '\(command.name)'; did you mean '--"), "\(line)")
            }
        }
    }

    /// docs/errors.md has a row per exit code, and no other.
    @Test func theDocumentedExitCodesAreThoseOfTheProgram() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let page = try String(contentsOfFile: "/\(root)/docs/errors.md", encoding: .utf8)
        let section = try #require(page.components(separatedBy: "\n## ").first { $0.hasPrefix("Exit codes") })
        let codes = section.split(separator: "\n").filter { $0.hasPrefix("| ") }.compactMap {
            Int32($0.split(separator: "|")[0].filter { !$0.isWhitespace })
        }
        #expect(codes == ExitStatus.allCases.map(\.rawValue))
    }
}
