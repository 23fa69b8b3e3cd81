import Coordination
import Foundation
import LedgerStore
import Reports
import Studies

/// A study's cells as the trials of one Optuna study: what varies are parameters, the metric's last epoch is the value, the epochs
/// are intermediate values.
///
/// A diverged or failed cell is FAIL, as Optuna has it for a trial whose value is NaN; its state and reason are attributes.
struct OptunaTrials {
    private let recorded: RecordedStudy
    private let metric: TableMetric
    private let settings: [String: ArmSettings]
    /// The choices of a categorical parameter, in the order of the study.
    private var choices: [String: [String]] = [:]
    /// The range of a whole number.
    private var ranges: [String: ClosedRange<Int>] = [:]

    init(_ recorded: RecordedStudy, metric: TableMetric) {
        self.recorded = recorded
        self.metric = metric
        let study = recorded.study
        settings = Dictionary(
            study.arms.map { ($0.name, ArmSettings($0, network: study.model.architecture)) }, uniquingKeysWith: { first, _ in first })
        let inOrder = study.arms.map { ArmSettings($0, network: study.model.architecture) }
        func distinct(_ values: [String?]) -> [String] {
            values.compactMap { $0 }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        }
        choices = [
            "arm": study.arms.map(\.name), "pair": study.evaluationPairs.map(Study.name(of:)), "method": distinct(inOrder.map(\.method)),
            "distance": distinct(inOrder.map(\.distance)), "head": distinct(inOrder.map(\.head)),
            "matching": distinct(inOrder.map(\.matching)), "network": distinct(inOrder.map(\.network)),
        ]
        for (name, values) in [("models", inOrder.map(\.models)), ("clusters", inOrder.map(\.clusters)), ("layers", inOrder.map(\.layers))]
        {
            let known = values.compactMap { $0 }
            if let low = known.min(), let high = known.max() { ranges[name] = low...high }
        }
        ranges["replicate"] = 1...max(1, study.evaluation.replicates)
    }

    func write(to path: String) throws {
        let study = recorded.study
        let head = OptunaStudy(
            name: study.name, maximizes: metric.unit == "percent", metric: metric.rawValue,
            attributes: [
                "study_digest": JSONText.string("\(study.digest)"), "profile": JSONText.string(study.profile.rawValue),
                "protocol": JSONText.string(study.evaluationProtocol.rawValue),
                "deviations": "[" + study.deviations.map(JSONText.string).joined(separator: ", ") + "]",
                "sower_version": JSONText.string(Version.number),
            ])
        try OptunaFile.write(to: path, study: head) { add in
            var failure: (any Error)?
            try recorded.reader.forEachCell(study: recorded.id, stages: [Stage.evaluate.rawValue]) { cell in
                do {
                    try add(trial(cell))
                    return true
                } catch {
                    failure = error
                    return false
                }
            }
            if let failure { throw failure }
        }
    }

    private func trial(_ recorded: RecordedCell) -> OptunaTrial {
        let cell = recorded.cell
        let value = cell.state == .finished ? cell.epochs.last.map(metric.value(in:)) : nil
        let state: OptunaTrial.State =
            switch cell.state {
            case .waiting: .waiting
            case .running: .running
            case .finished: value?.isNaN == false ? .complete : .failed
            case .diverged, .failed: .failed
            }
        var attributes: [String: String] = ["job": JSONText.string(cell.job.digest.hex), "state": JSONText.string(cell.state.rawValue)]
        func note(_ key: String, _ text: String?) { attributes[key] = text.map(JSONText.string) }
        note("host", recorded.host)
        note("worker", recorded.worker)
        note("numeric_class", cell.numericClass)
        note("reason", cell.failure?.code)
        attributes["attempt"] = recorded.attempt.map(String.init)
        attributes["seconds"] = cell.seconds.flatMap { $0.isFinite ? $0.description : nil }
        for other in TableMetric.allCases where other != metric {
            guard let last = cell.epochs.last.map(other.value(in:)), last.isFinite else { continue }
            attributes[other.rawValue] = last.description
        }
        return OptunaTrial(
            state: state, value: state == .complete ? value : nil, parameters: parameters(cell),
            intermediate: cell.epochs.map { ($0.epoch, metric.value(in: $0)) }, attributes: attributes,
            startedAt: state == .waiting ? nil : recorded.startedAt ?? recorded.settledAt,
            endedAt: state == .complete || state == .failed ? recorded.endedAt ?? recorded.settledAt : nil)
    }

    private func parameters(_ cell: CellRow) -> [OptunaTrial.Parameter] {
        guard let settings = settings[cell.arm] else { return [] }
        let texts: [(String, String?)] = [
            ("arm", cell.arm), ("method", settings.method), ("distance", settings.distance), ("head", settings.head),
            ("matching", settings.matching), ("network", settings.network),
            ("pair", Study.name(of: cell.pair)),
        ]
        let numbers: [(String, Int?)] = [
            ("models", settings.models), ("clusters", settings.clusters), ("layers", settings.layers), ("replicate", cell.replicate),
        ]
        return texts.compactMap { name, value in
            guard let value, let choices = choices[name], let place = choices.firstIndex(of: value) else { return nil }
            let list = choices.map(JSONText.string).joined(separator: ", ")
            return OptunaTrial.Parameter(
                name: name, value: Double(place),
                distribution: "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\(list)]}}")
        }
            + numbers.compactMap { name, value in
                guard let value, let range = ranges[name] else { return nil }
                let bounds = "\"low\": \(range.lowerBound), \"high\": \(range.upperBound)"
                return OptunaTrial.Parameter(
                    name: name, value: Double(value),
                    distribution: "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": false, \"step\": 1, \(bounds)}}")
            }
    }
}
