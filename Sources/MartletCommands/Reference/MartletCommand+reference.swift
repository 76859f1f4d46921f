import ArgumentParser
import MartletJSON
import OrderedCollections

extension MartletCommand {
    /// The whole command tree, with the flags of `serve` and `worker` from the table of settings.
    ///
    /// - Throws: ``ReferenceError`` if the argument parser describes itself in an unknown way. A test calls this
    ///   function, so an update of the parser cannot break the pages unnoticed.
    static func reference() throws -> CommandReference {
        let json = try JSONParser.parse(Array(_dumpHelp().utf8))
        guard json["serializationVersion"]?.integerValue == 0, let command = json["command"] else {
            throw ReferenceError()
        }
        return try CommandReference(dump: command, below: [])
    }
}

/// The argument parser described itself in a format that this program does not know.
struct ReferenceError: Error, CustomStringConvertible {
    let description = "the argument parser's description of the commands has an unknown format"
}

extension CommandReference {
    /// Reads a command of the argument parser's description (`--experimental-dump-help`).
    fileprivate init(dump: JSONValue, below path: [String]) throws {
        guard let name = dump["commandName"]?.stringValue else { throw ReferenceError() }
        self.init(
            path: path + [name], abstract: dump["abstract"]?.stringValue ?? "",
            discussion: dump["discussion"]?.stringValue ?? "")
        let arguments = (dump["arguments"]?.arrayValue ?? []).filter { $0["shouldDisplay"]?.boolValue ?? true }
        for argument in arguments {
            switch argument["kind"]?.stringValue {
            case "positional": self.arguments.append(ArgumentReference(dump: argument))
            case "option", "flag": flags.append(FlagReference(dump: argument))
            default: throw ReferenceError()
            }
        }
        // The parser passes all words behind these commands on as they are.
        if let command = SettingCommand(rawValue: name) {
            self.arguments = []
            flags =
                SettingTable.settings(of: command).map { FlagReference($0) }
                + [FlagReference(names: ["-h", "--help"], help: "Show help information.")] + flags
        }
        for subcommand in dump["subcommands"]?.arrayValue ?? [] where subcommand["commandName"] != "help" {
            subcommands.append(try CommandReference(dump: subcommand, below: self.path))
        }
    }
}

extension FlagReference {
    /// Reads an option or a flag. Only an option has a value.
    fileprivate init(dump: JSONValue) {
        let names = (dump["names"]?.arrayValue ?? []).compactMap { name -> String? in
            guard let text = name["name"]?.stringValue else { return nil }
            return (name["kind"]?.stringValue == "long" ? "--" : "-") + text
        }
        self.init(
            names: names, values: dump["kind"]?.stringValue == "flag" ? [] : [ValueReference(dump: dump)],
            isRepeatable: dump["isRepeating"]?.boolValue ?? false, help: dump["abstract"]?.stringValue ?? "",
            fallback: dump["defaultValue"]?.stringValue)
    }
}

extension ArgumentReference {
    /// Reads a positional argument.
    fileprivate init(dump: JSONValue) {
        self.init(
            value: ValueReference(dump: dump), help: dump["abstract"]?.stringValue ?? "",
            isOptional: dump["isOptional"]?.boolValue ?? false,
            isRepeatable: dump["isRepeating"]?.boolValue ?? false)
    }
}

extension ValueReference {
    /// Reads the value of an option or an argument.
    fileprivate init(dump: JSONValue) {
        let words = (dump["allValues"]?.arrayValue ?? []).compactMap(\.stringValue)
        let completion: Completion =
            if !words.isEmpty {
                .words(words)
            } else if dump["completionKind"]?["file"] != nil {
                .files
            } else if dump["completionKind"]?["directory"] != nil {
                .folders
            } else {
                .unknown
            }
        self.init(placeholder: (dump["valueName"]?.stringValue ?? "value").uppercased(), completion: completion)
    }
}
