/// The reason why a state file cannot be used, as one clause that follows the file's name.
///
/// Example: "is damaged: the checksum of the state is wrong".
package enum StateFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file does not exist, or the system refuses an operation; the text is the system's.
    case unreadable(String)
    /// The file is not a state file.
    case foreign
    /// The file has a newer version of the format, or a feature that this build does not know.
    case newer(version: Int)
    /// The file belongs to another model, other parameters or another build of libllama.
    case otherContext
    /// The bytes are not those that were written. The text names the part.
    case damaged(String)

    package var description: String {
        switch self {
        case .unreadable(let reason): "cannot be read: \(reason)"
        case .foreign: "is not a state file of this program"
        case .newer(let version): "has version \(version) of the format, and this build reads version 1"
        case .otherContext: "belongs to another model or to other settings of the KV cache"
        case .damaged(let part): "is damaged: \(part)"
        }
    }

    /// Whether the file is of no use to any build and any model, so that a folder that the program owns drops it.
    package var isWorthless: Bool {
        switch self {
        case .foreign, .damaged: true
        case .unreadable, .newer, .otherContext: false
        }
    }
}
