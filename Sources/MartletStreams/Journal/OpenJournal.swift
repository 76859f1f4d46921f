internal import MartletFiles
internal import MartletProtocol

/// One journal that is being written. Thread: the journal's.
final class OpenJournal {
    let id: String
    private let path: String
    private let disk: any Disk
    /// `nil` = not opened yet, abandoned, or closed because other journals need a descriptor.
    private var file: JournalFile?
    /// Orders open files by their last use; 0 = the file is not open.
    private(set) var lastUse: UInt64 = 0
    private(set) var isAbandoned = false
    /// Whether a record is larger than a journal may have.
    private(set) var isTooLarge = false
    private var sequence: UInt32
    /// The number of choices whose request is not recorded.
    private var missingRequests: Int
    private var ends: ChoiceEnds
    /// The handle of the first choice.
    private let handle: GenerationHandle
    /// Bytes that are in the file.
    private(set) var byteCount: Int
    /// Whole records that are not in the file yet.
    private var records: [UInt8] = []
    /// The payload of a record of events that is being collected.
    private var events: [UInt8] = []

    /// - Parameters:
    ///   - handle: the handle of the first choice.
    ///   - extent: the valid part of the existing file; the default = the file does not exist yet.
    init(
        id: String, path: String, handle: GenerationHandle = GenerationHandle(rawValue: 0),
        extent: JournalExtent = JournalExtent(), disk: any Disk = SystemDisk()
    ) {
        self.id = id
        self.path = path
        self.disk = disk
        self.handle = handle
        ends = extent.ends
        sequence = extent.recordCount
        missingRequests = extent.hasRequest ? 0 : extent.ends.count
        byteCount = extent.byteCount
        if byteCount == 0 { records = JournalFormat.header }
    }

    var pendingByteCount: Int { records.count + events.count }

    var hasFile: Bool { lastUse > 0 }

    /// Whether the generation has ended.
    var isEnded: Bool { ends.isEnded }

    /// The number of a handle's choice, as a handle.
    private func choice(of handle: GenerationHandle) -> GenerationHandle {
        GenerationHandle(rawValue: ends.count == 1 ? 0 : handle.rawValue - self.handle.rawValue)
    }

    func add(_ record: JournalRecord) {
        guard !isAbandoned else { return }
        sealEvents()
        append(record.kind) { JournalFieldWriter.append(to: &$0) { record.write(to: &$0) } }
    }

    private func append(_ kind: JournalFormat.Kind, _ body: (inout [UInt8]) -> Void) {
        let before = records.count
        JournalFormat.append(kind, sequence: sequence, to: &records, body)
        sequence += 1
        let recordByteCount = records.count - before
        isTooLarge =
            isTooLarge
            || recordByteCount > JournalFormat.maximumPayloadByteCount + JournalFormat.recordHeaderByteCount
            || byteCount + records.count > JournalFormat.maximumByteCount
    }

    /// Adds the request of a choice, unless it is recorded already.
    func add(_ request: JournalRequest) {
        guard missingRequests > 0 else { return }
        missingRequests -= 1
        var request = request
        request.request.handle = choice(of: request.request.handle)
        // A model, with its template, is the same for all choices, and so is the parser.
        if ends.count > 1, request.request.handle.rawValue > 0 {
            request.model = ModelInformation()
            request.parserDescription = []
        }
        add(.request(request))
    }

    /// Adds an event to the record that is being collected.
    func add(_ event: EngineEvent, at time: Int64) {
        var event = event
        event.handle = choice(of: event.handle)
        ends.record(event.kind, of: Int(event.handle.rawValue))
        guard !isAbandoned else { return }
        let isFirst = events.isEmpty
        JournalFieldWriter.append(to: &events) { writer in
            if isFirst { writer.scalar(1, time) }
            JournalRecord.write(event, to: &writer)
        }
    }

    private func sealEvents() {
        guard !events.isEmpty else { return }
        append(.events) { $0 += events }
        events.removeAll(keepingCapacity: true)
    }

    /// The bytes of all records that are not in the file yet.
    func collected() -> [UInt8] {
        sealEvents()
        return records
    }

    /// Writes all collected records.
    /// - Parameter use: a counter that rises with every write.
    /// - Throws: when the write fails. The file is then as before, or removed if it was empty.
    func write(syncs: Bool, use: UInt64) throws(JournalError) {
        sealEvents()
        guard !records.isEmpty, !isAbandoned else { return }
        do throws(JournalError) {
            if file == nil {
                file = try JournalFile(path, for: byteCount == 0 ? .creating : .appending, on: disk)
            }
            try file?.append(records)
            if syncs { try file?.sync() }
        } catch {
            try? file?.shorten(to: byteCount)
            abandon()
            throw error
        }
        lastUse = use
        byteCount += records.count
        records.removeAll(keepingCapacity: records.capacity <= 1 << 20)
    }

    /// Closes the descriptor until the next write.
    func closeFile() {
        file = nil
        lastUse = 0
    }

    /// Abandons the file: its records stay, and no record follows.
    func abandon() {
        isAbandoned = true
        closeFile()
        records = []
        events = []
    }
}
