internal import MartletText

/// A model that can be named in a request or a command, loaded or not.
package struct RegisteredModel: Sendable, Equatable {
    /// The origin of an entry. A later origin overrides an earlier one of the same name.
    package enum Source: String, Sendable, CaseIterable, Comparable {
        /// The demo model.
        case builtIn = "built-in"
        /// The Hugging Face cache.
        case cache
        /// A folder of models (`--models-dir`).
        case folder = "models_dir"
        /// A section of a preset file (`--models-preset`).
        case preset
        /// A path on the command line (`-m`).
        case flag

        /// The order of `allCases`.
        package static func < (left: Self, right: Self) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }

    /// A setting of a preset: a flag's name without dashes, and its value.
    package struct Setting: Sendable, Equatable {
        package var name: String
        package var value: String

        /// Creates a setting.
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var name: String
    package var aliases: [String] = []
    package var tags: [String] = []
    package var source: Source
    /// The files of the model, the first of a split model first; empty = no file is on this machine.
    package var paths: [String] = []
    package var projectorPath: String?
    package var draftPath: String?
    /// Settings that apply to this model, in their order; names occur once.
    package var settings: [Setting] = []
    /// The repository; `nil` for a model that no repository is known of.
    package var repository: HubReference?
    /// The origins of files that are not on this machine and can be downloaded; empty = there is nothing to download.
    package var missing: [ModelOrigin] = []
    /// Whether lists leave the model out, because a section of presets serves the same files. Its name still means it.
    package var isHidden = false
    /// The reason for which the model cannot be loaded, as a predicate that follows its name; `nil` = none is known.
    package var problem: String?

    /// Creates an entry with this name.
    package init(name: String, source: Source, paths: [String] = []) {
        self.name = name
        self.source = source
        self.paths = paths
    }

    /// Whether all files of the model are on this machine, as far as names tell.
    package var isComplete: Bool { !paths.isEmpty && missing.isEmpty }

    /// Replaces the value of a setting, or appends the setting.
    package mutating func set(_ setting: Setting) {
        if let index = settings.firstIndex(where: { $0.name.hasSameBytes(as: setting.name) }) {
            settings[index] = setting
        } else {
            settings.append(setting)
        }
    }

    /// The draft model that a worker can use: that of a preset, or a file whose name begins with `draft-`; `nil` = none.
    ///
    /// Files with other prefixes (`mtp-`, `eagle3-` …) are parts of a model and no models of their own; libllama's draft context
    /// cannot load them alone.
    package var usableDraftPath: String? {
        guard let draftPath else { return nil }
        if setting("spec-draft-model") != nil || setting(ModelSources.draftRepositoryKey) != nil { return draftPath }
        let file = draftPath.split(separator: "/").last ?? ""
        return file.lowercased().hasPrefix("draft-") ? draftPath : nil
    }

    /// The value of a setting; `nil` = not set.
    package func setting(_ name: String) -> String? { settings.first { $0.name.hasSameBytes(as: name) }?.value }
}

/// The rule for names of models. Names come from clients and from files.
package enum ModelName {
    /// The longest name in bytes.
    package static let maximumByteCount = 255

    /// The rule that a name breaks, as a predicate; `nil` = none.
    ///
    /// Example: `"a\0b"` "has the control character 0".
    package static func violation(of name: String) -> String? {
        if name.isEmpty { return "is empty" }
        guard name.utf8.count <= maximumByteCount else {
            return "has \(name.utf8.count) bytes; at most \(maximumByteCount) are allowed"
        }
        if let control = name.unicodeScalars.first(where: { $0.properties.generalCategory == .control }) {
            return "has the control character \(control.value)"
        }
        guard !name.split(separator: "/").contains("..") else { return "has the component '..'" }
        return nil
    }
}
