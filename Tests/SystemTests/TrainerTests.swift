import Foundation
import Processes
import Testing

extension SystemTests {
    /// Studies whose trainings are another program's: the example beside the project, which needs nothing but a shell.
    @Suite struct TrainerTests {
        private static let study = """
            study: tiny
            data: {format: synthetic, seed: 1, training_per_class: 4, test_per_class: 2}
            model: lenet
            seed: 1
            pretraining: {pairs: 3, epochs: 2}
            evaluation: {pairs: 2, replicates: 2, epochs: 2}
            training: {batch_size: 32}
            trainer: {command: [sh, EXAMPLE]}
            arms:
              - random
              - {name: gabor-1, method: gabor, layers: 1}
              - {name: clustered, method: clustered, distance: euclidean, models: 3, clusters: 2, layers: 2}

            """

        private func bench() throws -> Workbench {
            let bench = try Workbench()
            let example = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
                "../../scripts/trainers/example.sh")
            try bench.write(String(contentsOf: example, encoding: .utf8), to: "train.sh")
            try bench.write(Self.study.replacing("EXAMPLE", with: bench.folder + "/train.sh"), to: "tiny.yaml")
            return bench
        }

        @Test func `a study by another program has its table, which says so, and the same one after kills and elsewhere`() throws {
            let calm = try bench()
            try calm.succeed(["run", calm.studyFile, "--workers", "2", "--allow-command"] + calm.inResults)
            let expected = try calm.everyDigit()
            let table = try calm.succeed(["table", "tiny"] + calm.inResults).text
            #expect(table.contains("trainer: external:train instead of Sower's engine (train.sh with SHA-256"), "\(table)")
            let cells = try calm.succeed(["status", "tiny", "--cells"] + calm.inResults).text
            let job = String(try #require(cells.split(separator: "\n").last).prefix(12))
            #expect(try calm.succeed(["why", job, "--study", "tiny"] + calm.inResults).text.contains("numeric class external:train"))

            let bench = try bench()
            let arguments = ["run", bench.studyFile, "--workers", "2", "--allow-command"] + bench.inResults
            let sweep = try bench.start(arguments, environment: ["SOWER_EXAMPLE_SECONDS": "0.5"])
            try bench.wait("something is finished", for: sweep) { try bench.status()?.finished ?? 0 > 1 }
            for runner in bench.processes("runner") { kill(runner.id, SIGKILL) }
            try bench.wait("more is finished", for: sweep) { try bench.status()?.finished ?? 0 > 3 }
            kill(sweep.processID, SIGKILL)
            _ = try sweep.finish(within: 10)
            bench.expectNoProcessIsLeft()
            try bench.succeed(["resume", "tiny", "--workers", "2", "--allow-command"] + bench.inResults)
            #expect(try bench.everyDigit() == expected)
            bench.expectNoProcessIsLeft()
            // The log has what the trainer said, and the job's folder is gone.
            let logs = (1...2).map { (try? String(contentsOfFile: "\(bench.results)/tiny/logs/worker-\($0).log", encoding: .utf8)) ?? "" }
                .joined()
            #expect(logs.contains("training job "))

            // A changed script makes new jobs.
            try bench.write(String(contentsOfFile: bench.folder + "/train.sh", encoding: .utf8) + "# changed\n", to: "train.sh")
            try bench.succeed(["run", bench.studyFile, "--workers", "2", "--allow-command"] + bench.inResults)
            #expect(try bench.everyDigit() != expected)
        }

        @Test func `a program runs only where it was allowed, and who may not is told`() throws {
            let bench = try bench()
            let refused = try bench.sower(["run", bench.studyFile, "--workers", "1"] + bench.inResults)
            #expect(refused.exitCode == 4 && refused.standardError.contains("run a program (sh "), "\(refused.standardError)")
            #expect(refused.remedy?.hasSuffix("--allow-command") == true)

            let address = try bench.freeAddress()
            try bench.exchangeKeys(with: ["careful", "trusting"])
            let coordinator = try bench.start(
                ["coordinator", bench.studyFile, "--listen", address] + bench.keys("coordinator") + bench.inResults)
            let careful = try bench.startWorker("careful", at: address)
            try bench.wait("status says what is missing", for: coordinator) {
                try bench.succeed(["status", "tiny"] + bench.inResults).text.contains(
                    "that runs the study's program (--allow-command); none of the 1 connected does")
            }
            let trusting = try bench.startWorker("trusting", at: address, ["--allow-command"])
            #expect(try coordinator.finish().exitCode == 0)
            #expect(try careful.finish(within: 10).exitCode == 0)
            #expect(try trusting.finish(within: 10).exitCode == 0)
            #expect(
                try bench.query("SELECT DISTINCT worker FROM attempts JOIN jobs ON jobs.id = job WHERE kind = 'train'").map {
                    $0 == "trusting"
                } ?? true)
            #expect(try bench.query("SELECT count(*) FROM attempts WHERE state = 'failed'").map { $0 == "0" } ?? true)
        }

        @Test func `a trainer that fails is known by its last words`() throws {
            let bench = try bench()
            try bench.write("echo no such GPU >&2; exit 7\n", to: "train.sh")
            let ending = try bench.sower(
                ["run", bench.studyFile, "--workers", "1", "--allow-command", "--max-fails", "0", "--set", "arms=[random]"]
                    + bench.inResults)
            #expect(ending.exitCode == 4)
            #expect(ending.standardError.contains("CRASHED: the trainer sh ended with exit code 7"), "\(ending.standardError)")
            #expect(
                try bench.query("SELECT message FROM attempts WHERE state = 'failed' LIMIT 1").map { $0.contains("no such GPU") } ?? true)
        }

        @Test func `a job that is canceled, or takes too long, ends with everything that its trainer has started`() throws {
            let bench = try bench()
            try bench.write("sleep 600 & sleep 600\n", to: "train.sh")
            let sweep = try bench.start(
                [
                    "run", bench.studyFile, "--workers", "1", "--allow-command", "--time-limit", "2s", "--set", "arms=[random]",
                    "--max-fails", "0",
                ]
                    + bench.inResults)
            try bench.wait("the trainer runs", for: sweep) { bench.processes().contains { $0.arguments == ["sleep", "600"] } }
            let ending = try sweep.finish(within: 60)
            #expect(ending.exitCode == 4 && ending.standardError.contains("TIMEOUT"), "\(ending.standardError)")
            bench.expectNoProcessIsLeft()
        }
    }
}
