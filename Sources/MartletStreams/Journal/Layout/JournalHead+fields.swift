internal import MartletProtocol

/// 1 is the time of the record.
extension JournalHead: FieldRecord {
    package static var blank: Self { Self(log: LogHead(id: "", created: 0, model: ""), responseID: "") }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        var (id, created, model, owner) = (log.id, log.created, log.model, self.owner.rawValue)
        try coder.field(2, &id)
        try coder.field(3, &created)
        try coder.field(4, &model)
        try coder.field(5, &responseID)
        try coder.field(6, &owner)
        try coder.field(7, &lifetime)
        try coder.field(8, &label)
        try coder.field(9, &streams)
        try coder.field(10, &pingInterval)
        try coder.field(11, &choiceCount)
        try coder.field(12, &choicesPerPrompt)
        try coder.field(13, &storedRequest)
        try coder.field(14, &resolvedOptions)
        log = LogHead(id: id, created: created, model: model)
        self.owner = Owner(rawValue: owner)
    }

    package func validate() throws(FieldError) {
        guard hasValidChoices else { throw .invalid("number of choices") }
    }
}

extension GenerationSpec.Lifetime: FieldCase {
    package static var name: StaticString { "lifetime" }
    package var fieldNumber: UInt64 {
        switch self {
        case .plain: 0
        case .resumable: 1
        case .background: 2
        }
    }
}

/// 1 choice, 2 request, 3 model, 4 description of the output parser; without a model it is that of the first choice.
extension JournalRequest: FieldMessage {
    package func write(to writer: inout JournalFieldWriter) {
        var (choice, request, model) = (self.request.handle.rawValue, self.request, self.model as ModelInformation?)
        if self.model == ModelInformation() { model = nil }
        writer.field(1, &choice)
        writer.field(2, &request)
        writer.field(3, &model)
        var description = parserDescription
        writer.field(4, &description)
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        let choice: UInt64 = try reader.value(1)
        var (request, model) = (GenerationRequest.blank, nil as ModelInformation?)
        try reader.field(2, &request)
        try reader.field(3, &model)
        request.handle = GenerationHandle(rawValue: choice)
        self.init(request, model: model ?? ModelInformation(), parserDescription: try reader.value(4))
    }
}

/// 1 number, 2 identity, 3 forks.
extension CommandRecord: FieldMessage {
    package func write(to writer: inout JournalFieldWriter) {
        var (number, identity, forks) = (self.number.rawValue, self.identity, self.forks)
        writer.field(1, &number)
        writer.field(2, &identity)
        writer.list(3, &forks)
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        self.init(number: CommandNumber(rawValue: try reader.value(1)), identity: nil)
        try reader.field(2, &identity)
        try reader.list(3, &forks)
    }
}

extension CommandIdentity: FieldRecord {
    package static var blank: Self { Self(requestID: "", action: "", digest: 0) }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &requestID)
        try coder.field(2, &action)
        try coder.field(3, &digest)
    }
}
