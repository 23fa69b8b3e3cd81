import Foundation
import GRDB
import Studies

/// Why the ledger could not be opened, written or read.
package enum LedgerError: Error, Equatable, LocalizedError {
    /// Another process has the ledger open for writing; its id when the lock file tells it.
    case inUse(path: String, process: Int32?)
    /// The ledger would lie on a file system of another host, where SQLite's locks and memory maps do not hold.
    case networkFileSystem(path: String, type: String)
    /// There is no ledger at the path.
    case missing(path: String)
    /// The file is something else.
    case notALedger(path: String, detail: String)
    /// The ledger was written by a newer build.
    case newerSchema(path: String, actual: Int, supported: Int)
    /// The ledger was written by a build from before the first release.
    case olderSchema(path: String, actual: Int, expected: Int)
    /// The file's pages contradict each other.
    case damaged(path: String, detail: String)
    /// SQLite did not take a setting that durability rests on.
    case settingRefused(path: String, setting: String, actual: String, expected: String)
    /// No room on the disk or in the quota; nothing of the transaction was recorded.
    case diskFull(path: String)
    /// The folder or the file cannot be written by this user.
    case notWritable(path: String, detail: String)
    /// A read or write failed.
    case io(path: String, detail: String)
    /// Another connection kept the database locked for longer than the wait that readers and the writer allow.
    case locked(path: String)
    /// A constraint or trigger of the schema refused the change; the whole transaction was rolled back.
    case ruleBroken(path: String, rule: String)
    /// The ledger has no such job.
    case unknownJob(String, path: String)
    /// The ledger has no such study.
    case unknownStudy(String, path: String)
    /// Several jobs begin with the prefix.
    case ambiguousJob(prefix: String, path: String)
    /// A value that cannot be recorded.
    case invalid(path: String, detail: String)
    /// The ledger was used after `close`.
    case closed(path: String)
    /// Anything else SQLite reports, with its extended result code.
    case database(path: String, code: Int32, detail: String)

    package var errorDescription: String? {
        switch self {
        case .inUse(let path, let process):
            "Another coordinator is using the ledger \(path)\(process.map { " (process \($0))" } ?? "")"
        case .networkFileSystem(let path, let type):
            "The ledger \(path) is on a network file system (\(type)), expected a local disk"
        case .missing(let path):
            "There is no ledger at \(path)"
        case .notALedger(let path, let detail):
            "\(path) is not a ledger of sower: \(detail)"
        case .newerSchema(let path, let actual, let supported):
            "The ledger \(path) has schema version \(actual), this build reads up to \(supported)"
        case .olderSchema(let path, let actual, let expected):
            "The ledger \(path) has schema version \(actual) of an earlier build, this build reads \(expected)"
        case .damaged(let path, let detail):
            "The ledger \(path) is damaged: \(detail)"
        case .settingRefused(let path, let setting, let actual, let expected):
            "The ledger \(path) has \(setting) = \(actual), expected \(expected)"
        case .diskFull(let path):
            "The ledger \(path) could not grow: the disk or the quota is full"
        case .notWritable(let path, let detail):
            "The ledger \(path) cannot be written: \(detail)"
        case .io(let path, let detail):
            "The ledger \(path) could not be read or written: \(detail)"
        case .locked(let path):
            "The ledger \(path) stayed locked by another process"
        case .ruleBroken(let path, let rule):
            "The ledger \(path) refused a change: \(rule)"
        case .unknownJob(let job, let path):
            "The ledger \(path) has no job \(job)"
        case .unknownStudy(let study, let path):
            "The ledger \(path) has no study \(study)"
        case .ambiguousJob(let prefix, let path):
            "Several jobs of the ledger \(path) begin with \(prefix)"
        case .invalid(let path, let detail):
            "The ledger \(path) cannot record this: \(detail)"
        case .closed(let path):
            "The ledger \(path) is closed"
        case .database(let path, let code, let detail):
            "The ledger \(path) failed with SQLite code \(code): \(detail)"
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .inUse(_, let process):
            "another coordinator is using this ledger\(process.map { " (process \($0))" } ?? ""): wait for it, "
                + "or watch it with `sower status`"
        case .networkFileSystem:
            "Keep the results on a local disk: give `--results` a folder there, and copy it when the sweep has ended."
        case .missing:
            "Start the study with `sower run`, or give `--results` the folder of an earlier one."
        case .notALedger:
            "Give `--results` another folder, or move the file away."
        case .newerSchema:
            "Use the build of sower that wrote it, or a newer one."
        case .olderSchema(_, let actual, _) where actual >= Schema.oldestVersion:
            "`sower resume` brings it up to date, when no sweep of the earlier build runs any more; nothing is computed again."
        case .olderSchema:
            "Run the study again in another folder, with `--results`; the build that wrote this ledger can still read it."
        case .damaged(let path, _):
            "Keep a copy of the folder, check the disk (dmesg, smartctl -a), then try `sqlite3 \(path) .recover`; artifacts are unharmed."
        case .settingRefused:
            "Keep the results on a local disk with a file system that supports SQLite's write-ahead log (ext4, xfs, btrfs, zfs)."
        case .diskFull(let path):
            "Free some space (df -h \(LedgerFile.folder(of: path))), then continue with `sower resume`: nothing acknowledged is lost."
        case .notWritable(let path, _):
            "Make the folder writable for this user: ls -ld \(LedgerFile.folder(of: path))."
        case .io:
            "Check the disk (dmesg, smartctl -a), then continue with `sower resume`."
        case .locked:
            "Close programs that have the ledger open (a database browser, for example), then repeat the command."
        case .ruleBroken:
            "This is a bug in sower: please report it. `sower resume` continues from the last recorded state."
        case .unknownJob:
            "List the study's jobs with `sower status --cells`."
        case .unknownStudy:
            "List the ledger's studies with `sower status`, or start it with `sower run`."
        case .ambiguousJob:
            "Give more digits of the job's id."
        case .invalid:
            "Correct the study file and run it again; `sower plan` shows what it asks for."
        case .closed:
            "Open the ledger again with `sower resume`."
        case .database:
            "Repeat the command; `sower resume` continues from the last recorded state."
        }
    }
}

extension LedgerError {
    /// What SQLite's primary and extended result codes mean for a ledger.
    package init(_ error: DatabaseError, path: String) {
        let detail = error.message ?? "SQLite result code \(error.extendedResultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_FULL: self = .diskFull(path: path)
        // The shared memory of the write-ahead log is a file on the same disk.
        case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_SHMSIZE: self = .diskFull(path: path)
        case .SQLITE_CORRUPT: self = .damaged(path: path, detail: detail)
        case .SQLITE_NOTADB: self = .notALedger(path: path, detail: detail)
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .locked(path: path)
        case .SQLITE_CONSTRAINT: self = .ruleBroken(path: path, rule: detail)
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH: self = .notWritable(path: path, detail: detail)
        case .SQLITE_CANTOPEN: self = .notWritable(path: path, detail: detail)
        case .SQLITE_IOERR, .SQLITE_NOLFS, .SQLITE_PROTOCOL:
            self = .io(path: path, detail: "\(detail) (code \(error.extendedResultCode.rawValue))")
        case .SQLITE_TOOBIG, .SQLITE_MISMATCH: self = .invalid(path: path, detail: detail)
        // Statements are made and run by GRDB, which keeps SQLite's other rules: this one is left.
        case .SQLITE_MISUSE: self = .closed(path: path)
        default: self = .database(path: path, code: error.extendedResultCode.rawValue, detail: detail)
        }
    }
}

/// Runs `body` and gives what it throws as a `LedgerError`.
func mapped<Result>(_ path: String, _ body: () throws -> Result) throws(LedgerError) -> Result {
    do {
        return try body()
    } catch let error as LedgerError {
        throw error
    } catch let error as DatabaseError {
        throw LedgerError(error, path: path)
    } catch {
        throw .io(path: path, detail: "\(error)")
    }
}
