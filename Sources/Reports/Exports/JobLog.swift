/// One attempt as GNU parallel logs a job: `parallel --joblog`.
///
/// Source: GNU parallel 20221122, `open_joblog` and `print_joblog`: nine columns apart by tabs, start in seconds since 1970 with three
/// decimals, runtime as `%10.3f`. It can read such a file back (`--retry-failed`).
package struct JobLogEntry: Sendable, Equatable {
    /// The job's number, from 1; attempts at one job share it.
    package var sequence: Int
    package var host: String
    /// Milliseconds since 1970 UTC.
    package var startedAt: Int64
    package var endedAt: Int64
    /// Bytes of the artifacts it read, and made.
    package var sent: Int64
    package var received: Int64
    /// Whether its result stands.
    package var succeeded: Bool
    package var command: String

    package init(
        sequence: Int, host: String, startedAt: Int64, endedAt: Int64, sent: Int64, received: Int64, succeeded: Bool, command: String
    ) {
        self.sequence = sequence
        self.host = host
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.sent = sent
        self.received = received
        self.succeeded = succeeded
        self.command = command
    }

    package static let head = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"

    /// A line. Exitval is 0 with a result and 1 without one; Signal is 0: the ledger knows reasons, not signals.
    package var line: String {
        let (difference, overflow) = endedAt.subtractingReportingOverflow(startedAt)
        let runtime = Self.seconds(overflow ? 0 : max(0, difference))
        let name = Footnotes.printable(host).replacing(" ", with: "_")
        let fields = [
            "\(sequence)", name.isEmpty ? ":" : name, Self.seconds(startedAt),
            String(repeating: " ", count: max(0, 10 - runtime.utf8.count)) + runtime, "\(sent)", "\(received)", succeeded ? "0" : "1", "0",
            String(command.map { $0.isNewline || $0 == "\t" ? " " : $0 }),
        ]
        return fields.joined(separator: "\t") + "\n"
    }

    private static func seconds(_ milliseconds: Int64) -> String {
        let fraction = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: max(0, 3 - fraction.utf8.count)) + fraction
    }
}
