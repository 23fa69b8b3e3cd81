import Studies

/// A cell with everything that is said of its values in the long form.
package struct MeasuredCell: Sendable, Equatable {
    package var stage: String
    package var arm: String
    package var pair: [Int]
    package var replicate: Int
    /// WAITING, RUNNING, FINISHED, DIVERGED or FAILED.
    package var state: String
    /// Why it failed.
    package var reason: String?
    package var job: String
    package var attempt: Int?
    package var worker: String?
    package var host: String?
    package var numericClass: String?
    /// The job's wall time.
    package var seconds: Double?
    /// Of the result that stands; none where there is none.
    package var epochs: EpochList

    package init(
        stage: String, arm: String, pair: [Int], replicate: Int, state: String, reason: String?, job: String, attempt: Int?,
        worker: String?,
        host: String?, numericClass: String?, seconds: Double?, epochs: EpochList
    ) {
        self.stage = stage
        self.arm = arm
        self.pair = pair
        self.replicate = replicate
        self.state = state
        self.reason = reason
        self.job = job
        self.attempt = attempt
        self.worker = worker
        self.host = host
        self.numericClass = numericClass
        self.seconds = seconds
        self.epochs = epochs
    }
}

/// The long form: a row a metric value, with all that identifies it. A cell without values has one row that says its state.
///
/// Numbers have the shortest digits that read back as the same number. One that is not finite is `nan`, `inf` or `-inf` in CSV, and
/// null in JSON, which has no word for it. `deviations` counts the departures from what the profile published; 0 is a reproduction.
package struct MetricValues: Sendable {
    /// How the rows are written.
    package enum Format: String, Sendable, CaseIterable {
        /// RFC 4180 with a header line; lines end in LF, nothing is an empty field.
        case csv
        /// One object a row.
        case jsonl
    }

    /// Their order and names are frozen; new ones are added at the end.
    package static let columns = [
        "study", "stage", "arm", "method", "distance", "models", "clusters", "layers", "head", "matching", "network", "pair", "replicate",
        "state", "reason", "job",
        "attempt", "worker", "host", "numeric_class", "seconds", "epoch", "metric", "value", "protocol", "profile", "deviations",
    ]

    package let format: Format
    private let study: String
    private let arms: [String: ArmSettings]
    private let metrics: [TableMetric]
    /// What all rows end with.
    private let end: [UInt8]

    /// A cell of no arm (pre-training) has no settings.
    package init(_ format: Format, of study: TableInfo, arms: [Arm], metrics: [TableMetric]) {
        self.format = format
        self.study = study.study
        self.arms = Dictionary(arms.map { ($0.name, ArmSettings($0, network: study.network)) }, uniquingKeysWith: { first, _ in first })
        self.metrics = metrics
        let (evaluationProtocol, profile) = (study.evaluationProtocol.rawValue, study.profile.rawValue)
        // Their number only: the sentences would be most of the file, and stand in its provenance.
        end = Array(
            (format == .csv
                ? ",\(evaluationProtocol),\(profile),\(study.deviations.count)\n"
                : ",\"protocol\":\"\(evaluationProtocol)\",\"profile\":\"\(profile)\",\"deviations\":\(study.deviations.count)}\n").utf8)
    }

    /// What stands before the first row.
    package var head: String { format == .csv ? Self.columns.joined(separator: ",") + "\n" : "" }

    /// The rows of a cell: by epoch, then in the order of the metrics.
    package func append(_ cell: MeasuredCell, to bytes: inout [UInt8]) {
        let start = fields(of: cell)
        guard !cell.epochs.isEmpty, !metrics.isEmpty else {
            append(start, epoch: nil, metric: nil, value: nil, to: &bytes)
            return
        }
        for epoch in cell.epochs {
            for metric in metrics { append(start, epoch: epoch.epoch, metric: metric.rawValue, value: metric.value(in: epoch), to: &bytes) }
        }
    }

    /// What all rows of a cell begin with.
    private func fields(of cell: MeasuredCell) -> [UInt8] {
        let settings = arms[cell.arm]
        func text(_ value: String?) -> TableColumn.Value { value.map { .text($0) } ?? .nothing }
        func count(_ value: Int?) -> TableColumn.Value { value.map { .count($0) } ?? .nothing }
        let values: [TableColumn.Value] = [
            text(study), text(cell.stage), text(cell.arm), text(settings?.method), text(settings?.distance), count(settings?.models),
            count(settings?.clusters), count(settings?.layers), text(settings?.head), text(settings?.matching),
            text(settings?.network), text(Study.name(of: cell.pair)), count(cell.replicate), text(cell.state),
            text(cell.reason.map(Footnotes.printable)), text(cell.job), count(cell.attempt),
            text(cell.worker.map(Footnotes.printable)), text(cell.host.map(Footnotes.printable)),
            text(cell.numericClass.map(Footnotes.printable)),
        ]
        let seconds = Self.text(cell.seconds, format)
        switch format {
        case .csv: return Array((values.map(Self.csvField).joined(separator: ",") + ",\(seconds)").utf8)
        case .jsonl:
            let members = zip(Self.columns, values).map { "\(JSONText.string($0)):\(JSONText.value($1, digits: 0))" }
            return Array(("{" + members.joined(separator: ",") + ",\"seconds\":\(seconds)").utf8)
        }
    }

    private func append(_ start: [UInt8], epoch: Int?, metric: String?, value: Double?, to bytes: inout [UInt8]) {
        bytes += start
        switch format {
        case .csv:
            bytes += (epoch.map { ",\($0)," } ?? ",,").utf8
            bytes += (metric ?? "").utf8
            bytes += ",".utf8
            bytes += Self.text(value, format).utf8
        case .jsonl:
            bytes += ",\"epoch\":".utf8
            bytes += (epoch.map(String.init) ?? "null").utf8
            bytes += ",\"metric\":".utf8
            bytes += (metric.map { "\"\($0)\"" } ?? "null").utf8
            bytes += ",\"value\":".utf8
            bytes += Self.text(value, format).utf8
        }
        bytes += end
    }

    /// The shortest digits that read back as `value`.
    static func text(_ value: Double?, _ format: Format) -> String {
        guard let value else { return format == .csv ? "" : "null" }
        guard value.isFinite else { return format == .jsonl ? "null" : value.isNaN ? "nan" : value > 0 ? "inf" : "-inf" }
        return value.description
    }

    private static func csvField(_ value: TableColumn.Value) -> String {
        switch value {
        case .text(let text): SummaryTable.csvField(text)
        case .count(let count): "\(count)"
        case .number, .probability, .truth, .nothing: ""
        }
    }
}
