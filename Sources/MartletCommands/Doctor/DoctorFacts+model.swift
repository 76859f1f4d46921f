import MartletGGUF
import MartletModels
import MartletPlatform

extension DoctorFacts.Model {
    /// Reads the head of a GGUF file and plans its load. An error becomes ``problem``.
    init(path: String, load options: LoadOptions) {
        self.init(path: path)
        let shape: ModelShape
        do throws(GGUFError) {
            _ = try GGUFFile.check(path)
            let headers = try GGUFFile.headers(path)
            shape = ModelShape(headers.first, headers.others)
        } catch {
            problem = error.description
            return
        }
        var sources = ModelSources()
        sources.files = [path]
        guard let model = try? sources.registry().models.first else {
            problem = "is not the first file of a model"
            return
        }
        let item = ModelListing.item(model)
        guard let summary = item.summary else {
            problem = item.problem ?? "is no model"
            return
        }
        title = "\(summary.architecture.printable), \(summary.parameterText) parameters as \(summary.quantization)"
        guard let report = try? options.report(on: shape, item) else { return }
        load = DoctorFacts.Load(report)
    }
}

extension DoctorFacts.Load {
    /// The conclusion of a plan. Sums that overflow are the largest number.
    init(_ report: LoadReport) {
        func sum(_ parts: [UInt64]) -> UInt64 {
            parts.reduce(0) { total, part in
                let (result, overflows) = total.addingReportingOverflow(part)
                return overflows ? .max : result
            }
        }
        let places = report.plan.shares.enumerated().filter { $0.offset == 0 || $0.element.total > 0 }
        neededByteCount = sum(places.map(\.element.total))
        freeByteCount = sum(
            places.map { index, _ in index == 0 ? report.free.host : report.free.devices[index - 1] })
        contextLength = report.request.contextLength
        sequenceCount = report.request.sequenceCount
        largestContextLength = report.largestContextLength
        fits = report.fits
    }
}
