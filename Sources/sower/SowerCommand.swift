import ArgumentParser
import Failpoints
import Foundation

/// The command line.
@main
struct SowerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sower",
        abstract: "Runs studies of convolutional-network initialization: trainings on many workers, filters gathered and "
            + "clustered, every result in a ledger, tables from the ledger.",
        discussion: """
            Start with:  sower run demo
            Exit codes:
              0  every cell has a result
              1  some cells failed for good
              2  usage or configuration
              3  coordinator or host unreachable, or the ledger is in use
              4  stopped by --max-fails, or no worker is left
              5  incomplete: `sower resume` continues
              130, 143  stopped by a signal, state saved
            """,
        version: Version.text,
        // Each of them gives its name: one derived from its type would cost every call of sower 0.2 ms.
        subcommands: [
            RunCommand.self, PlanCommand.self, ResumeCommand.self, AttachCommand.self, StatusCommand.self, WatchCommand.self,
            WhyCommand.self, LogsCommand.self,
            PauseCommand.self, StopCommand.self, CancelCommand.self, RetryCommand.self, TableCommand.self, CompareCommand.self,
            ExportCommand.self,
            FiguresCommand.self, VerifyCommand.self, WorkerCommand.self, CoordinatorCommand.self, KeysCommand.self, DoctorCommand.self,
            DataCommand.self, JobCommand.self, InitializationCommand.self,
            EngineCommand.self, BenchCommand.self, SimulateCommand.self, RunnerCommand.self, HostCommand.self,
        ])

    static func main() {
        // A peer that goes away is an error of a write, never the end of this process.
        signal(SIGPIPE, SIG_IGN)
        do {
            try ArmedFailpoints.arm(from: ProcessInfo.processInfo.environment)
            var command = try parseAsRoot()
            try command.run()
        } catch let stop as Stop {
            stop.end()
        } catch  where exitCode(for: error) == .validationFailure {
            printToError(fullMessage(for: error))
            Foundation.exit(SowerExit.configuration.rawValue)
        } catch {
            // Help, version and anything a command did not foresee.
            if exitCode(for: error) == .success { exit(withError: error) }
            Stop(error).end()
        }
    }
}
