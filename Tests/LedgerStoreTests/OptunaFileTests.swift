import Foundation
import GRDB
import LedgerStore
import Testing

/// The file that Optuna opens. What Optuna itself reads from one is `scripts/reference/optuna_storage.py`'s business.
@Suite struct OptunaFileTests {
    private static let study = OptunaStudy(name: "demo", maximizes: false, metric: "validation_loss", attributes: ["b": "2", "a": "\"x\""])
    private static let parameter = OptunaTrial.Parameter(name: "replicate", value: 2, distribution: "{}")
    private static let trials = [
        OptunaTrial(
            state: .complete, value: 1.5, parameters: [parameter], intermediate: [(1, .nan), (2, .infinity), (3, -.infinity), (4, 1.5)],
            attributes: ["job": "\"ab\""], startedAt: 1_700_000_000_007, endedAt: 1_700_000_060_250),
        OptunaTrial(state: .failed, value: nil, parameters: [], intermediate: [], attributes: [:], startedAt: nil, endedAt: nil),
        OptunaTrial(state: .running, value: nil, parameters: [], intermediate: [(1, 2)], attributes: [:], startedAt: 0, endedAt: nil),
        OptunaTrial(state: .waiting, value: nil, parameters: [], intermediate: [], attributes: [:], startedAt: nil, endedAt: nil),
    ]

    private func write(_ path: String) throws {
        try OptunaFile.write(to: path, study: Self.study) { add in for trial in Self.trials { try add(trial) } }
    }

    @Test func `trials, values, intermediate values and attributes lie where Optuna looks for them`() throws {
        let folder = TestFolder()
        try write(folder.path + "/trials")
        try DatabaseQueue(path: folder.path + "/trials").read { (db: Database) throws in
            func rows(_ sql: String) throws -> [String] {
                try Row.fetchAll(db, sql: sql).map { row in
                    row.databaseValues.map { $0.isNull ? "NULL" : String.fromDatabaseValue($0) ?? "\($0)" }.joined(separator: "|")
                }
            }
            #expect(try rows("SELECT * FROM alembic_version") == ["v3.2.0.a"])
            #expect(try rows("SELECT version_info_id, schema_version FROM version_info") == ["1|12"])
            #expect(
                try rows("SELECT study_name, direction, objective FROM studies JOIN study_directions USING (study_id)") == [
                    "demo|MINIMIZE|0"
                ])
            #expect(try String.fetchAll(db, sql: "SELECT \"key\" || value_json FROM study_user_attributes ORDER BY 1") == ["a\"x\"", "b2"])
            #expect(try String.fetchOne(db, sql: "SELECT value_json FROM study_system_attributes") == "[\"validation_loss\"]")
            #expect(
                try rows("SELECT number, state, datetime_start, datetime_complete FROM trials ORDER BY number") == [
                    "0|COMPLETE|2023-11-14 22:13:20.007000|2023-11-14 22:14:20.250000", "1|FAIL|NULL|NULL",
                    "2|RUNNING|1970-01-01 00:00:00.000000|NULL", "3|WAITING|NULL|NULL",
                ])
            #expect(try rows("SELECT trial_id, objective, value, value_type FROM trial_values") == ["1|0|1.5|FINITE"])
            #expect(
                try rows("SELECT trial_id, step, intermediate_value, intermediate_value_type FROM trial_intermediate_values") == [
                    "1|1|NULL|NAN", "1|2|NULL|INF_POS", "1|3|NULL|INF_NEG", "1|4|1.5|FINITE", "3|1|2.0|FINITE",
                ])
            #expect(try rows("SELECT trial_id, param_name, param_value, distribution_json FROM trial_params") == ["1|replicate|2.0|{}"])
            #expect(try rows("PRAGMA integrity_check") == ["ok"])
            #expect(try rows("PRAGMA foreign_key_check").isEmpty)
        }
    }

    @Test func `the same trials give the same bytes`() throws {
        let folder = TestFolder()
        try write(folder.path + "/1")
        try write(folder.path + "/2")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/1"))
        #expect(try bytes == Data(contentsOf: URL(fileURLWithPath: folder.path + "/2")))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 2, "no journal is left")
    }

    @Test func `a place that cannot be written is named`() throws {
        let path = TestFolder().path + "/nowhere/trials"
        #expect(throws: OptunaFileError.self) { try write(path) }
    }
}
