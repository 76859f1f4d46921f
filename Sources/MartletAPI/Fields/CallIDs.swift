import MartletJSON
import MartletText

/// The ids of the calls of a conversation: each call has an id of its own, and at most one result, which follows it.
struct CallIDs: Sendable {
    private var calls: Set<ExactString> = []
    private var answered: Set<ExactString> = []

    /// Adds the id of a call.
    /// - Parameter location: the path of the id, for messages.
    /// - Throws: `invalidRequest` if there is no id, or another call has it.
    mutating func add(_ value: JSONValue?, at location: String) throws(APIError) -> String {
        guard let id = value?.stringValue, !id.isEmpty else { throw .field(location, "The id of the call is required") }
        guard calls.insert(ExactString(id)).inserted else {
            throw .field(location, "Ids of calls must differ, but \(FieldReader.short(.string(id))) occurs twice")
        }
        return id
    }

    /// Adds the id of a call that a result belongs to.
    ///
    /// - Parameters:
    ///   - location: the path of the id, for messages.
    ///   - unit: the dialect's word for the part of a conversation that has a call.
    /// - Throws: `invalidRequest` if no earlier call has the id, or if the call has a result.
    mutating func answer(_ value: JSONValue?, at location: String, inEarlier unit: String) throws(APIError) -> String {
        guard let id = value?.stringValue else { throw .field(location, "The id of a call is required") }
        guard calls.contains(ExactString(id)) else {
            throw .field(
                location,
                "Value must be the id of a call in an earlier \(unit), but got \(FieldReader.short(.string(id)))")
        }
        guard answered.insert(ExactString(id)).inserted else {
            throw .field(location, "A call has one result, but \(FieldReader.short(.string(id))) has two")
        }
        return id
    }
}
