import Foundation

/// The plan that this process follows, set once at its start.
package enum ArmedFailpoints {
    /// Whether anything is counted or done; the one thing that is looked at in an ordinary run.
    // Written before the process has a second thread.
    @usableFromInline nonisolated(unsafe) package static var isArmed = false
    nonisolated(unsafe) private static var armed: (plan: FailpointPlan, tally: FailpointTally)?

    /// Takes the plan from the process's environment; call it first thing in `main`. Without either variable nothing changes.
    package static func arm(from environment: [String: String]) throws(FailpointError) {
        let text = environment[FailpointVariable.plan]
        let tallyPath = environment[FailpointVariable.tally]
        guard text != nil || tallyPath != nil else { return }
        armed = (try FailpointPlan(text ?? ""), try FailpointTally(path: tallyPath))
        isArmed = true
    }

    /// Counts a pass and does what the plan says; the answer is the errno to fail with.
    @usableFromInline static func pass(_ point: Failpoint) -> Int32? {
        guard let armed else { return nil }
        let hit = armed.tally.count(point)
        guard let step = armed.plan.steps[point], step.hits.contains(hit) else { return nil }
        switch step.action {
        case .kill:
            kill(getpid(), SIGKILL)
            // The signal is on its way to this thread; nothing more may happen here.
            while true { pause() }
        case .delay(let milliseconds):
            usleep(UInt32(milliseconds) * 1000)
            return nil
        case .error(let code):
            return code
        }
    }
}
