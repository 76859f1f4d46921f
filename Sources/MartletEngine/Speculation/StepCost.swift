/// The measured duration of a decode as a function of its sequences and its rows.
///
/// Example, measured on one core with a model of 0.6 billion parameters in Q8_0: 1 row 46 ms, 2 rows 145 ms, 8 rows
/// 198 ms, 9 rows 362 ms, 16 rows 335 ms. The kernels compute single rows and groups of rows in different ways, so the
/// duration is no simple function; it differs between machines and models, and is measured.
struct StepCost: Sendable {
    /// The numbers of rows that are distinguished; others count as the next larger one.
    static let rowCounts = [
        1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256, 384, 512,
    ]

    /// A moving average of durations in nanoseconds.
    struct Average: Sendable, Equatable {
        var mean = 0.0
        var count = 0

        /// Adds a duration. Early durations weigh more, and a single slow decode counts as twice the mean at most.
        mutating func add(_ value: Double) {
            count += 1
            let bounded = count > 4 ? min(value, 2 * mean) : value
            mean += (bounded - mean) / Double(min(count, 16))
        }
    }

    /// The averages by class of sequences, then by class of rows.
    private var curves: [[Average]] = []

    /// Records a decode without prompt tokens.
    mutating func observe(sequences: Int, rows: Int, nanoseconds: Double) {
        guard sequences > 0, rows >= sequences, nanoseconds > 0 else { return }
        let index = Self.sequenceClass(sequences)
        while curves.count <= index {
            curves.append([Average](repeating: Average(), count: Self.rowCounts.count))
        }
        curves[index][Self.rowClass(rows)].add(nanoseconds)
    }

    /// The estimated duration of a decode in nanoseconds; `nil` if no decode of so many sequences was measured.
    ///
    /// Between two measured numbers of rows the estimate is a straight line. More rows than were ever measured count as
    /// free, so that they are tried; `SpeculationPolicy` lets the number grow in steps.
    func nanoseconds(sequences: Int, rows: Int) -> Double? {
        let index = Self.sequenceClass(sequences)
        guard curves.indices.contains(index) else { return nil }
        let curve = curves[index]
        let position = Self.rowClass(rows)
        if curve[position].count > 0 { return curve[position].mean }
        let below = curve[..<position].lastIndex { $0.count > 0 }
        let above = curve[position...].firstIndex { $0.count > 0 }
        switch (below, above) {
        case (let below?, let above?):
            let (first, last) = (Double(Self.rowCounts[below]), Double(Self.rowCounts[above]))
            let share = (Double(Self.rowCounts[position]) - first) / (last - first)
            return curve[below].mean + (curve[above].mean - curve[below].mean) * share
        case (let below?, nil): return curve[below].mean
        case (nil, let above?): return curve[above].mean
        case (nil, nil): return nil
        }
    }

    /// The most rows of a measured decode with so many sequences; 0 if there was none.
    func mostMeasuredRows(sequences: Int) -> Int {
        let index = Self.sequenceClass(sequences)
        guard curves.indices.contains(index) else { return 0 }
        return curves[index].lastIndex { $0.count > 0 }.map { Self.rowCounts[$0] } ?? 0
    }

    /// Whether decodes of exactly one row per sequence were measured.
    func hasBaseline(sequences: Int) -> Bool {
        let index = Self.sequenceClass(sequences)
        return curves.indices.contains(index) && curves[index][Self.rowClass(sequences)].count > 0
    }

    /// Numbers of sequences up to 8 are distinguished, larger ones by powers of 2.
    private static func sequenceClass(_ count: Int) -> Int {
        count <= 8 ? max(0, count - 1) : 4 + (Int.bitWidth - (count - 1).leadingZeroBitCount)
    }

    private static func rowClass(_ count: Int) -> Int {
        rowCounts.firstIndex { $0 >= count } ?? rowCounts.count - 1
    }
}
