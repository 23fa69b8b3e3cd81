import Foundation
import GRDB

/// A study as Optuna's storages know it: trials with parameters, values and intermediate values.
package struct OptunaStudy: Sendable {
    package var name: String
    /// Whether the value is better the greater it is.
    package var maximizes: Bool
    package var metric: String
    /// By key; the values are JSON.
    package var attributes: [String: String]

    package init(name: String, maximizes: Bool, metric: String, attributes: [String: String]) {
        self.name = name
        self.maximizes = maximizes
        self.metric = metric
        self.attributes = attributes
    }
}

package struct OptunaTrial: Sendable {
    package enum State: String, Sendable {
        case running = "RUNNING", complete = "COMPLETE", failed = "FAIL", waiting = "WAITING"
    }

    /// A parameter as Optuna stores it: a number, and the JSON of the distribution that says what it means.
    package struct Parameter: Sendable {
        package var name: String
        package var value: Double
        package var distribution: String

        package init(name: String, value: Double, distribution: String) {
            self.name = name
            self.value = value
            self.distribution = distribution
        }
    }

    package var state: State
    /// Of a complete trial.
    package var value: Double?
    package var parameters: [Parameter]
    /// By step, each step once.
    package var intermediate: [(step: Int, value: Double)]
    /// By key; the values are JSON.
    package var attributes: [String: String]
    /// Milliseconds since 1970 UTC.
    package var startedAt: Int64?
    package var endedAt: Int64?

    package init(
        state: State, value: Double?, parameters: [Parameter], intermediate: [(step: Int, value: Double)], attributes: [String: String],
        startedAt: Int64?, endedAt: Int64?
    ) {
        self.state = state
        self.value = value
        self.parameters = parameters
        self.intermediate = intermediate
        self.attributes = attributes
        self.startedAt = startedAt
        self.endedAt = endedAt
    }
}

/// Why an Optuna file could not be written.
package enum OptunaFileError: Error, Equatable, LocalizedError {
    case failed(path: String, detail: String)

    package var errorDescription: String? {
        switch self {
        case .failed(let path, let detail): "\(path) could not be written: \(detail)"
        }
    }

    package var recoverySuggestion: String? { "Make room or give another place with -o FILE, then repeat the command." }
}

/// An SQLite file that Optuna opens as a storage (`sqlite:///FILE`).
///
/// Schema and version rows are those of `RDBStorage` since Optuna 3.2 (alembic revision v3.2.0.a, schema version 12), read from a
/// file that Optuna 5.0.0 made. Source: <https://github.com/optuna/optuna/blob/master/optuna/storages/_rdb/models.py>.
/// `scripts/reference/optuna_storage.py` compares both, and reads a file back through Optuna.
package enum OptunaFile {
    /// Writes a new file with one study. `trials` calls its argument once a trial, in their order. The same trials give the same bytes.
    ///
    /// The file is not durable before it is synced; nothing may be at `path`.
    package static func write(
        to path: String, study: OptunaStudy, trials: ((OptunaTrial) throws -> Void) throws -> Void
    ) throws {
        do {
            var configuration = Configuration()
            configuration.label = "LedgerStore.OptunaFile"
            // A file that nobody else knows yet: what is half written is thrown away.
            configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF") }
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.writeWithoutTransaction { db in
                try db.execute(sql: "BEGIN; " + schema)
                try insert(study, db)
                var number = 0
                var steps = 0
                try trials { trial in
                    number += 1
                    try insert(trial, number: number, &steps, db)
                }
                try db.execute(sql: "COMMIT")
            }
            try queue.close()
        } catch let error as DatabaseError {
            throw OptunaFileError.failed(path: path, detail: error.message ?? "SQLite code \(error.extendedResultCode.rawValue)")
        }
    }

    private static func insert(_ study: OptunaStudy, _ db: Database) throws {
        try db.execute(sql: "INSERT INTO studies VALUES (1, ?)", arguments: [study.name])
        try db.execute(sql: "INSERT INTO study_directions VALUES (1, ?, 1, 0)", arguments: [study.maximizes ? "MAXIMIZE" : "MINIMIZE"])
        try db.execute(
            sql: "INSERT INTO study_system_attributes VALUES (1, 1, 'study:metric_names', ?)", arguments: ["[\"\(study.metric)\"]"])
        for (key, value) in study.attributes.sorted(by: { $0.key < $1.key }) {
            try db.execute(
                sql: "INSERT INTO study_user_attributes (study_id, \"key\", value_json) VALUES (1, ?, ?)", arguments: [key, value])
        }
    }

    /// `number` counts from 1, as ids do; Optuna's own number from 0.
    private static func insert(_ trial: OptunaTrial, number: Int, _ steps: inout Int, _ db: Database) throws {
        func add(_ sql: String, _ arguments: StatementArguments) throws { try db.cachedStatement(sql: sql).execute(arguments: arguments) }
        try add(
            "INSERT INTO trials VALUES (?, ?, 1, ?, ?, ?)",
            [number, number - 1, trial.state.rawValue, trial.startedAt.map(timeText), trial.endedAt.map(timeText)])
        if let value = trial.value {
            let (stored, kind) = stored(value)
            try add("INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, ?)", [number, stored, kind])
        }
        for parameter in trial.parameters {
            try add(
                "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)",
                [number, parameter.name, parameter.value, parameter.distribution])
        }
        for (step, value) in trial.intermediate {
            steps += 1
            let (stored, kind) = stored(value)
            try add("INSERT INTO trial_intermediate_values VALUES (?, ?, ?, ?, ?)", [steps, number, step, stored, kind])
        }
        for (key, value) in trial.attributes.sorted(by: { $0.key < $1.key }) {
            try add("INSERT INTO trial_user_attributes (trial_id, \"key\", value_json) VALUES (?, ?, ?)", [number, key, value])
        }
    }

    /// Optuna says beside a number what SQLite cannot say in it.
    private static func stored(_ value: Double) -> (Double?, String) {
        if value.isNaN { return (nil, "NAN") }
        return value.isFinite ? (value, "FINITE") : (nil, value > 0 ? "INF_POS" : "INF_NEG")
    }

    /// As SQLAlchemy writes a `DateTime`; in UTC, so that the bytes do not depend on where they are made.
    private static func timeText(_ milliseconds: Int64) -> String {
        let (seconds, fraction) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        let style = Date.ISO8601FormatStyle(dateTimeSeparator: .space, timeZone: .gmt).year().month().day().dateTimeSeparator(.space)
            .time(includingFractionalSeconds: false)
        return Date(timeIntervalSince1970: Double(seconds)).formatted(style) + String(format: ".%03d000", Int(fraction))
    }
}
