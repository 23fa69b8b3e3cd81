import Failpoints
import Foundation
import GRDB

extension Failpoint {
    /// Passes a failpoint inside a transaction; an error asked for there is the one that SQLite makes of its errno.
    func passInLedger() throws {
        guard let code = failure() else { return }
        let isFull = code == ENOSPC || code == EDQUOT
        throw DatabaseError(resultCode: isFull ? .SQLITE_FULL : .SQLITE_IOERR, message: String(cString: strerror(code)))
    }
}
