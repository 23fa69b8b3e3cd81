import Coordination
import Foundation
import Jobs
import Studies
import Testing

/// Programs as jobs, run in this process as a runner runs them.
@Suite final class CommandJobTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/sower-command-tests-\(UUID().uuidString)"

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func run(_ arguments: [String], environment: [String: String] = [:], allowed: Bool = true) -> AttemptOutcome {
        let spec = JobSpec.command(CommandSpec(arguments: arguments, environment: environment))
        return JobRunner(allowsCommands: allowed, now: { .zero }).run(
            RunnerRequest(spec: spec.canonicalJSON, datasetPath: folder, storePath: folder + "/store", inputs: [])
        ) { _ in }.outcome
    }

    private func failure(_ outcome: AttemptOutcome) -> JobFailure? {
        if case .failed(let failure) = outcome { failure } else { nil }
    }

    @Test func `exit code 0 is a finished job`() {
        #expect(run(["/bin/true"]) == .finished)
        #expect(run(["true"]) == .finished, "looked up in PATH")
    }

    @Test func `another exit code and a signal are crashes, with the end of what was said on standard error`() {
        let exit = failure(run(["/bin/sh", "-c", "yes beginning | head -n 9999 >&2; echo the end >&2; echo aside; exit 3"]))
        #expect(exit?.reason == .crashed)
        #expect(exit?.message.hasPrefix("/bin/sh ended with exit code 3") == true)
        #expect(exit?.message.hasSuffix("beginning\nthe end") == true, "\(exit?.message ?? "")")
        #expect((exit?.message.utf8.count ?? 0) < 1200)
        let signal = failure(run(["/bin/sh", "-c", "kill -SEGV $$"]))
        #expect(signal?.reason == .crashed)
        #expect(signal?.message.contains("signal 11") == true && signal?.message.contains("nothing on its standard error") == true)
    }

    @Test func `what an earlier command said is not said of the next`() {
        let runner = JobRunner(allowsCommands: true, now: { .zero })
        let messages = ["echo first >&2; exit 1", "exit 1"].map { script -> String in
            let spec = JobSpec.command(CommandSpec(arguments: ["/bin/sh", "-c", script]))
            let request = RunnerRequest(spec: spec.canonicalJSON, datasetPath: folder, storePath: folder + "/store", inputs: [])
            return failure(runner.run(request) { _ in }.outcome)?.message ?? ""
        }
        #expect(messages[0].contains("first") && !messages[1].contains("first"))
    }

    @Test func `a command runs in an empty folder of its own that goes with it, with the environment it asks for`() throws {
        let script = "test -z \"$(ls -A)\" && pwd > \"$PLACE\" && mkdir -p left/over"
        #expect(run(["/bin/sh", "-c", script], environment: ["PLACE": folder + "/place"]) == .finished)
        let place = try String(contentsOfFile: folder + "/place", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(place != FileManager.default.currentDirectoryPath && !place.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: place))
    }

    @Test func `no shell reads the arguments`() {
        #expect(run(["/usr/bin/test", "$HOME", "=", "$HOME"]) == .finished)
        #expect(run(["/usr/bin/test", "*;exit 1", "=", "*;exit 1"]) == .finished)
    }

    @Test func `a program that is not there is a failure with its name`() {
        #expect(failure(run(["/nowhere/trainer"]))?.message.contains("/nowhere/trainer cannot be started") == true)
        #expect(failure(run([])) != nil)
    }

    @Test func `a worker that was not told to runs no command, for good`() {
        let refusal = failure(run(["/usr/bin/touch", folder + "/touched"], allowed: false))
        #expect(refusal?.reason == .specification)
        #expect(refusal?.message.contains("--allow-command") == true)
        #expect(!FileManager.default.fileExists(atPath: folder + "/touched"))
    }

    @Test func `commands and no-ops keep their ids through JSON, and their index tells them apart`() throws {
        let specs: [JobSpec] = [
            .command(CommandSpec(arguments: ["/bin/true"])), .command(CommandSpec(arguments: ["/bin/true"], index: 1)),
            .noop(NoopSpec(index: 0)), .noop(NoopSpec(index: 1, epochs: 3)),
            .noop(NoopSpec(index: 1, after: JobSpec.noop(NoopSpec(index: 0)).id)),
        ]
        #expect(Set(specs.map(\.id)).count == specs.count)
        for spec in specs {
            #expect(try JSONDecoder().decode(JobSpec.self, from: Data(spec.canonicalJSON)) == spec)
            #expect(!spec.isCentral)
        }
        #expect(specs[4].inputs == [specs[2].id])
    }

    @Test func `a no-op reports its epochs one by one and again with its result`() {
        let spec = JobSpec.noop(NoopSpec(index: 0, epochs: 3))
        var told: [EpochMetrics] = []
        let result = JobRunner(now: { .zero }).run(
            RunnerRequest(spec: spec.canonicalJSON, datasetPath: folder, storePath: folder + "/store", inputs: [])
        ) { told.append($0) }
        #expect(result.outcome == .finished)
        #expect(told.map(\.epoch) == [1, 2, 3])
        #expect(result.epochs == told)
    }
}
