import Artifacts
import Coordination
import Datasets
import Downloads
import Foundation
import Jobs
import Launchers
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
            case TransportError.insecure: .configuration
            case is TransportError: .unreachable
            case LaunchError.noHostReached: .unreachable
            case DownloadError.unreachable: .unreachable
            case DownloadError.noRoom, DownloadError.unwritable: .incomplete
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

/// SIGINT and SIGTERM as flags that loops look at.
enum Signals {
    nonisolated(unsafe) private static let received = UnsafeMutablePointer<sig_atomic_t>.allocate(capacity: 1)
    nonisolated(unsafe) private static let counted = UnsafeMutablePointer<sig_atomic_t>.allocate(capacity: 2)
    nonisolated(unsafe) private static let hangUps: UnsafeMutablePointer<sig_atomic_t> = {
        let flag = UnsafeMutablePointer<sig_atomic_t>.allocate(capacity: 1)
        flag.pointee = 0
        return flag
    }()
    private static let hadTerminal = isatty(2) != 0

    /// Catches both signals from now on; one more than `limit` ends the process at once.
    static func catchThem(upTo limit: Int32 = 1) {
        received.pointee = 0
        counted[0] = 0
        counted[1] = limit
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                if Signals.counted[0] >= Signals.counted[1] { _exit(128 + number) }
                Signals.counted[0] += 1
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

    /// How many have arrived.
    static var count: Int { Int(counted[0]) }

    /// SIGHUP asks to look at the keys again, from now on; but one that comes because the terminal is gone ends the process as before.
    static func catchHangUps() {
        _ = (hangUps, hadTerminal)
        signal(SIGHUP) { _ in Signals.hangUps.pointee = 1 }
        // Whoever has started this may have had it blocked.
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGHUP)
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Whether somebody has asked to look at the keys again since the last call.
    static func takeReload() -> Bool {
        guard hangUps.pointee != 0 else { return false }
        hangUps.pointee = 0
        guard hadTerminal, isatty(2) == 0 else { return true }
        if received.pointee == 0 { received.pointee = SIGTERM }
        return false
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
