import GRDB
import GRDBSQLite

/// A statement without GRDB's values around it, for what is read by ten thousands of rows; on any thread that has its connection to itself.
struct RawStatement: ~Copyable {
    let handle: OpaquePointer
    private let connection: SQLiteConnection

    init(_ sql: String, _ connection: SQLiteConnection) throws {
        var handle: OpaquePointer?
        let code = sqlite3_prepare_v2(connection, sql, -1, &handle, nil)
        guard code == SQLITE_OK, let handle else { throw DatabaseError(code, connection) }
        self.handle = handle
        self.connection = connection
    }

    deinit { sqlite3_finalize(handle) }

    /// Begins anew with these arguments.
    func start(_ first: Int64, _ second: Int64? = nil) {
        sqlite3_reset(handle)
        sqlite3_bind_int64(handle, 1, first)
        if let second { sqlite3_bind_int64(handle, 2, second) }
    }

    /// Whether there is another row.
    func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw DatabaseError(code, connection)
        }
    }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
}

extension DatabaseError {
    /// What a connection says of its last call, which gave this code.
    init(_ code: Int32, _ connection: SQLiteConnection) {
        self.init(resultCode: ResultCode(rawValue: code), message: String(cString: sqlite3_errmsg(connection)))
    }
}
