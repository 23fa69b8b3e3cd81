import Artifacts
import Coordination
import Datasets
import Foundation
import Jobs
import LedgerStore
import Processes
import StudyFiles
import Transport
import Worker

/// The exit codes, frozen: scripts depend on them.
enum SowerExit: Int32 {
    /// Every requested cell has a valid result.
    case success = 0
    /// Finished; some cells failed for good.
    case someCellsFailed = 1
    /// Usage or configuration.
    case configuration = 2
    /// The coordinator or a host cannot be reached, or another coordinator has the ledger.
    case unreachable = 3
    /// Stopped by `--max-fails`, or no worker is left.
    case tooManyFailures = 4
    /// Incomplete; `sower resume` continues.
    case incomplete = 5
    case interrupted = 130
    case terminated = 143
}

/// The end of a command: an exit code, what to say, and what to do next.
struct Stop: Error {
    var code: SowerExit
    var message: String?
    var remedy: String?

    init(_ code: SowerExit, _ message: String? = nil, remedy: String? = nil) {
        self.code = code
        self.message = message
        self.remedy = remedy
    }

    /// The end that an error of any module stands for.
    init(_ error: any Error) {
        if let stop = error as? Stop {
            self = stop
            return
        }
        let localized = error as? any LocalizedError
        message = localized?.errorDescription ?? String(describing: error)
        remedy = localized?.recoverySuggestion
        code =
            switch error {
            case LedgerError.inUse, LedgerError.locked, is WorkerError: .unreachable
            case is TransportError: .unreachable
            case LedgerError.diskFull, LedgerError.io, is ArtifactStoreError, is ProcessError: .incomplete
            default: .configuration
            }
    }

    func end() -> Never {
        if let message {
            printToError("sower: \(message)")
            if let remedy { printToError("  → \(remedy)") }
        }
        exit(code.rawValue)
    }
}

/// SIGINT and SIGTERM as a flag that loops look at.
enum Signals {
    nonisolated(unsafe) private static let received = UnsafeMutablePointer<sig_atomic_t>.allocate(capacity: 1)

    /// Catches both signals from now on; a second one ends the process at once.
    static func catchThem() {
        received.pointee = 0
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                if Signals.received.pointee != 0 { _exit(128 + number) }
                Signals.received.pointee = number
            }
        }
        // Waits must notice: the handler's thread is the main one.
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// The exit code of the signal that has arrived, if one has.
    static var pending: SowerExit? {
        switch received.pointee {
        case 0: nil
        case SIGTERM: .terminated
        default: .interrupted
        }
    }
}
