import Digests
import GRDB
import GRDBSQLite

/// What a recorded column may hold, bound by SQLite itself: through GRDB's arguments an epoch costs three times as much, and a
/// sweep records millions.
protocol StatementValue {
    /// Binds the value to a parameter, counted from 1; the answer is SQLite's code.
    func bind(to statement: SQLiteStatement, at index: Int32) -> Int32
}

extension Int64: StatementValue {
    func bind(to statement: SQLiteStatement, at index: Int32) -> Int32 { sqlite3_bind_int64(statement, index, self) }
}

extension Int: StatementValue {
    func bind(to statement: SQLiteStatement, at index: Int32) -> Int32 { Int64(self).bind(to: statement, at: index) }
}

extension Double: StatementValue {
    /// SQLite stores NaN as NULL.
    func bind(to statement: SQLiteStatement, at index: Int32) -> Int32 { sqlite3_bind_double(statement, index, self) }
}

extension String: StatementValue {
    func bind(to statement: SQLiteStatement, at index: Int32) -> Int32 {
        var text = self
        return text.withUTF8 { utf8 in
            // No address would be NULL.
            guard let start = utf8.baseAddress else { return sqlite3_bind_text(statement, index, "", 0, sqliteCopies) }
            return start.withMemoryRebound(to: CChar.self, capacity: utf8.count) {
                sqlite3_bind_text(statement, index, $0, Int32(utf8.count), sqliteCopies)
            }
        }
    }
}

extension Digest: StatementValue {
    func bind(to statement: SQLiteStatement, at index: Int32) -> Int32 {
        bytes.withUnsafeBytes { sqlite3_bind_blob(statement, index, $0.baseAddress, Int32($0.count), sqliteCopies) }
    }
}

extension Optional: StatementValue where Wrapped: StatementValue {
    func bind(to statement: SQLiteStatement, at index: Int32) -> Int32 {
        self?.bind(to: statement, at: index) ?? sqlite3_bind_null(statement, index)
    }
}

/// Binds values to the parameters of a statement, one after another.
struct ParameterBinding {
    let statement: SQLiteStatement
    private var last: Int32 = 0
    /// SQLite's, of the first value that it does not take.
    private(set) var code = SQLITE_OK

    init(_ statement: SQLiteStatement) { self.statement = statement }

    mutating func add(_ value: some StatementValue) {
        last += 1
        if code == SQLITE_OK { code = value.bind(to: statement, at: last) }
    }
}

/// SQLITE_TRANSIENT, a macro that Swift does not import: SQLite copies the bytes before it returns.
var sqliteCopies: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

/// A column of the row that another statement is at.
struct ColumnValue: StatementValue {
    let row: SQLiteStatement
    let column: Int

    func bind(to statement: SQLiteStatement, at index: Int32) -> Int32 {
        sqlite3_bind_value(statement, index, sqlite3_column_value(row, Int32(column)))
    }
}

extension Database {
    /// Runs a statement; it stays prepared for the next time.
    ///
    /// - Parameter body: called at each row.
    func run(_ sql: String, _ values: [any StatementValue] = [], forEachRow body: (SQLiteStatement) throws -> Void = { _ in }) throws {
        let statement = try cachedStatement(sql: sql)
        precondition(Int(sqlite3_bind_parameter_count(statement.sqliteStatement)) == values.count, "a value for each parameter")
        try run(statement, bind: { binding in for value in values { binding.add(value) } }, forEachRow: body)
    }

    /// The same for a statement that is at hand.
    func run(
        _ prepared: Statement, bind: (inout ParameterBinding) -> Void, forEachRow body: (SQLiteStatement) throws -> Void = { _ in }
    ) throws {
        let statement = prepared.sqliteStatement
        // Its code is the last step's, which was reported then.
        sqlite3_reset(statement)
        var binding = ParameterBinding(statement)
        bind(&binding)
        guard binding.code == SQLITE_OK else { throw failure(binding.code, prepared.sql) }
        defer { sqlite3_reset(statement) }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: try body(statement)
            case SQLITE_DONE: return
            case let code: throw failure(code, prepared.sql)
            }
        }
    }

    /// As GRDB's own, whose statements are prepared anew each time; observers of GRDB's, of which there are none, are not told.
    func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try run("BEGIN IMMEDIATE")
        do {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            // A full disk may have done so already.
            if isInsideTransaction { try? run("ROLLBACK") }
            throw error
        }
    }

    private func failure(_ code: Int32, _ sql: String) -> DatabaseError {
        let extended = sqliteConnection.map { sqlite3_extended_errcode($0) } ?? code
        return DatabaseError(resultCode: ResultCode(rawValue: extended), message: lastErrorMessage, sql: sql)
    }
}
