import MartletGGUF
import Testing

@Suite struct GGUFControlVectorTests {
    /// A file with these tensors of 32-bit numbers, one after the other.
    private func read(
        _ directions: [(name: String, values: [Float])], type: UInt32 = 0,
        _ change: (inout GGUFSample) -> Void = { _ in }
    ) throws -> GGUFControlVector {
        var sample = GGUFSample()
        sample.tensors = []
        var data: [UInt8] = []
        for (name, values) in directions {
            while data.count % 32 != 0 { data.append(0) }
            sample.tensors.append(
                GGUFSample.tensor(name, dimensions: [Int64(values.count)], type: type, offset: UInt64(data.count)))
            data += values.flatMap { GGUFSample.number($0.bitPattern) }
        }
        sample.dataByteCount = 0
        change(&sample)
        return try GGUFControlVector(GGUFBytes(sample.bytes + data))
    }

    private func message(_ directions: [(name: String, values: [Float])], type: UInt32 = 0) -> String {
        do {
            _ = try read(directions, type: type)
            return "accepted"
        } catch {
            return "\(error)"
        }
    }

    @Test func directionsAreReadByLayer() throws {
        let vector = try read([("direction.3", [1, -2.5]), ("direction.1", [0, 4])])
        #expect(vector.length == 2)
        #expect(vector.directions == [1: [0, 4], 3: [1, -2.5]])
        #expect(try read([("direction.1", [1, 2]), ("direction.01", [10, 20])]).directions == [1: [11, 22]])
    }

    @Test(
        arguments: [
            ([], "has no direction, so it is no control vector"),
            ([("blk.1.weight", [1])], "has the tensor 'blk.1.weight', so it is no control vector"),
            ([("direction.x", [1])], "has the tensor 'direction.x'"),
            ([("direction.0", [1])], "has 'direction.0'; layers are 1 to 511"),
            ([("direction.-1", [1])], "layers are 1 to 511"), ([("direction.512", [1])], "layers are 1 to 511"),
            (
                [("direction.1", [1, 2]), ("direction.2", [1])], "has 'direction.2' with 1 numbers; all directions must"
            ),
            ([("direction.1", [1, .nan])], "has 'direction.1' with numbers that are not finite"),
            ([("direction.1", [.infinity])], "not finite"),
        ] as [([(name: String, values: [Float])], String)])
    func whatIsNoControlVectorIsRefused(directions: [(name: String, values: [Float])], expected: String) {
        #expect(message(directions).contains(expected), "\(message(directions))")
    }

    @Test func onlyRowsOfFloatsAreDirections() {
        #expect(message([("direction.1", [1, 2])], type: 26).contains("another form than one row of 32-bit floats"))
    }

    /// Otherwise a small file could make the reader read the same bytes many times.
    @Test func directionsDoNotOverlap() {
        let names = (0..<64).map {
            (name: "direction." + String(repeating: "0", count: $0 % 40) + "\($0 + 1)", values: [Float(1)])
        }
        #expect(message(names) == "accepted")
        let error = #expect(throws: GGUFError.self) {
            try read([("direction.1", [Float](repeating: 1, count: 512))]) { sample in
                let shared = (2..<9).map { GGUFSample.tensor("direction.\($0)", dimensions: [512], type: 0) }
                sample.tensors += shared
            }
        }
        #expect(error?.description.contains("its directions overlap") == true, "\(String(describing: error))")
    }
}
