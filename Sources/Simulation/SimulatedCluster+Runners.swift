import Coordination
import Digests
import Studies

// Runner processes: an epoch a step, then the end that the job's nature has for it.

extension SimulatedCluster {
    mutating func startRunner(_ host: Int, _ slot: Int, _ attempt: AttemptID, _ start: WorkerSession.RunnerStart) {
        let numericClass = hosts[host].numericClass
        hosts[host].rules.noteStarted(attempt, slot: slot, start, store: hosts[host].store, hostClass: numericClass)
        guard hosts[host].runs.indices.contains(slot) else { return }
        var epoch = 1
        var taint: Digest?
        if let checkpoint = start.checkpoint {
            epoch = 2
            resumptions += 1
            let own = SimulatedStudy.checkpoint(of: start.spec, epoch: 1, numericClass: numericClass).artifact
            if checkpoint != own { taint = checkpoint.digest }
        }
        runs += 1
        hosts[host].runs[slot] = SimulatedHost.Run(
            id: runs, attempt: attempt, spec: start.spec, inputs: start.inputs.map(\.artifact.digest), started: now, taint: taint)
        trace.note(
            now, 20, UInt64(host),
            "  \(hosts[host].name) runs \(study.name(of: attempt.job)) in slot \(slot), attempt \(attempt.number)")
        scheduleStep(host: host, slot: slot, epoch: epoch)
    }

    private mutating func scheduleStep(host: Int, slot: Int, epoch: Int) {
        guard let run = hosts[host].runs[slot] else { return }
        schedule(
            .runnerSteps(host: host, life: hosts[host].life, run: run.id, slot: slot, epoch: epoch), in: choices.seconds(1, 8))
    }

    mutating func stepRunner(host: Int, slot: Int, epoch: Int) {
        guard let run = hosts[host].runs[slot] else { return }
        let behavior = study.behavior(of: run.attempt.job)
        // Only its worker can end it.
        if goesWrong(.hungRunners) { return trace.note(now, 21, UInt64(host), "  slot \(slot) of \(hosts[host].name) hangs") }
        let isBad = hosts[host].badTime?.contains(now.seconds) == true
        if isBad || goesWrong(.runnerCrashes) || (behavior == .crashes && epoch == SimulatedStudy.epochs) {
            endRun(host, slot)
            return feed(.runnerDied(slot: slot, JobFailure(.crashed, "signal 9")), to: host)
        }
        if behavior == .isImpossible {
            endRun(host, slot)
            return endRunner(host, slot, .failed(JobFailure(.specification, "no such layer")), [])
        }
        guard epoch > SimulatedStudy.epochs else {
            feed(.runnerEpoch(slot: slot, .simulated(epoch)), to: host)
            // The worker may have died of what it was told.
            guard hosts[host].runs.indices.contains(slot), hosts[host].runs[slot]?.id == run.id else { return }
            scheduleStep(host: host, slot: slot, epoch: epoch + 1)
            if epoch == 1, !hosts[host].isCentral, choices.chance(0.7) {
                let checkpoint = SimulatedStudy.checkpoint(of: run.spec, epoch: 1, numericClass: hosts[host].numericClass)
                hosts[host].store.insert(checkpoint.artifact.digest)
                feed(.runnerCheckpoint(slot: slot, checkpoint), to: host)
            }
            return
        }
        endRun(host, slot)
        let seconds = now - run.started
        guard behavior == .finishes else { return endRunner(host, slot, .diverged(epoch: 2, step: 1), [], seconds: seconds) }
        let output = SimulatedStudy.output(of: run.spec, inputs: run.inputs, taint: run.taint)
        hosts[host].store.insert(output.digest)
        endRunner(host, slot, .finished, [output], seconds: seconds)
    }

    private mutating func endRun(_ host: Int, _ slot: Int) {
        hosts[host].runs[slot] = nil
        hosts[host].rules.noteEnded(slot: slot)
    }

    private mutating func endRunner(_ host: Int, _ slot: Int, _ outcome: AttemptOutcome, _ artifacts: [ArtifactNotice], seconds: Double = 0)
    {
        let epochs = outcome.isFailure ? [] : (1...SimulatedStudy.epochs).map(EpochMetrics.simulated)
        feed(.runnerEnded(slot: slot, RunnerResult(outcome: outcome, epochs: epochs, artifacts: artifacts, seconds: seconds)), to: host)
    }
}
