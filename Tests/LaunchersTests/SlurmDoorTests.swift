import Foundation
import Keys
import Launchers
import Testing
import Transport

/// Which workers of Slurm's jobs are let in, and for how long.
@Suite struct SlurmDoorTests {
    /// A block of two tasks, of the array 7.
    private var block: SlurmLaunch {
        var launch = SlurmLaunch(name: "slurm-cpu", nodes: 2, timeLimitSeconds: nil, earlier: [], folder: "/f")
        _ = launch.handle(.tick, at: 0)
        _ = launch.handle(.submitted(job: "7"), at: 0)
        return launch
    }

    private func task(_ text: String) throws -> SlurmTaskID { try #require(SlurmTaskID(text)) }

    // MARK: Decisions

    @Test func `a task has one name`() {
        #expect(SlurmTaskID("7_1") == SlurmTaskID(job: "7", index: 1))
        for text in [
            "", "7", "7_", "_1", "7_1_2", "7_01", "+7_1", "7_-1", "7_+1", " 7_1", "7 _1", "7_1 ", "x_1", "7_99999999999999999999999", "٧_1",
            "../7_1",
        ] {
            #expect(SlurmTaskID(text) == nil, "\(text)")
        }
        #expect(SlurmTaskID(environment: ["SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "12"])?.text == "7_12")
        #expect(SlurmTaskID(environment: ["SLURM_JOB_ID": "7"]) == nil)
    }

    @Test func `only tasks of the block's own arrays are its own, until they end`() throws {
        var launch = block
        #expect(try launch.standing(of: task("7_1")) == .ours && launch.standing(of: task("7_2")) == .ours)
        #expect(try launch.standing(of: task("7_3")) == .gone && launch.standing(of: task("8_1")) == .gone)
        _ = launch.handle(.tick, at: 20)
        _ = launch.handle(.listed([SlurmTask(job: "7", index: 1, state: .running), SlurmTask(job: "7", index: 2, state: .ended)]), at: 20)
        #expect(try launch.standing(of: task("7_1")) == .ours && launch.standing(of: task("7_2")) == .gone)
        // The next array has begun before its number is known here.
        #expect(launch.phase == .submitting(tasks: 1))
        #expect(try launch.standing(of: task("8_1")) == .unknown)
        _ = launch.handle(.submitted(job: "8"), at: 20)
        #expect(try launch.standing(of: task("8_1")) == .ours)
        _ = launch.handle(.stop, at: 30)
        #expect(try launch.standing(of: task("7_1")) == .gone && launch.standing(of: task("8_1")) == .gone)
    }

    @Test func `of an earlier run's array nothing is said before the queue was asked`() throws {
        var launch = SlurmLaunch(name: "slurm-cpu", nodes: 1, timeLimitSeconds: nil, earlier: ["7"], folder: "/f")
        #expect(try launch.standing(of: task("7_1")) == .unknown)
        _ = launch.handle(.tick, at: 0)
        _ = launch.handle(.listed([SlurmTask(job: "7", index: 1, state: .running)]), at: 0)
        #expect(try launch.standing(of: task("7_1")) == .ours && launch.standing(of: task("7_2")) == .gone)
    }

    @Test func `a flood is worked off a few at a time`() {
        let requests = SlurmRequests()
        let names = Set((1...1000).map { "7_\($0)" })
        let admitted = requests.actions(for: .init(asking: names), standing: { _ in .ours })
        #expect(admitted.count == SlurmRequests.atOnce && admitted.first == .admit(SlurmTaskID(job: "7", index: 1)))
        let forgotten = requests.actions(for: .init(asking: names, answered: names), standing: { _ in .gone })
        #expect(forgotten.count == SlurmRequests.atOnce && forgotten.first == .forget(SlurmTaskID(job: "7", index: 1)))
        #expect(requests.actions(for: .init(asking: names, answered: names), standing: { _ in .unknown }).isEmpty)
    }

    // MARK: With a folder

    /// A door, and what has gone through it.
    private final class Bench {
        let folder: EnrolmentFolder
        var door: SlurmDoor!
        var admitted: [SlurmTaskID: PublicKey] = [:]
        var admissions = 0
        var told: [String] = []
        var refusal: KeyError?
        var now = 0.0

        init() throws {
            folder = EnrolmentFolder(path: FileManager.default.temporaryDirectory.path + "/sower-door-\(UUID().uuidString)")
            try folder.prepare()
            door = SlurmDoor(
                folder: folder,
                admit: { [unowned self] task, key in
                    if let refusal { throw refusal }
                    admissions += 1
                    admitted[task] = key
                },
                withdraw: { [unowned self] tasks in for task in tasks { admitted[task] = nil } },
                tell: { [unowned self] in told.append($0) })
        }

        deinit { try? FileManager.default.removeItem(atPath: folder.path) }

        func look(_ launch: SlurmLaunch) {
            now += SlurmDoor.lookSeconds
            door.turn(at: now, standing: launch.standing)
        }
    }

    private let key = KeyPair.generate().publicKey, other = KeyPair.generate().publicKey

    @Test func `a worker is answered the turn after its key was let in, and goes with its task`() throws {
        let bench = try Bench()
        var launch = block
        try bench.folder.ask(key, as: "7_1")
        try bench.folder.ask(other, as: "8_1")
        bench.look(launch)
        #expect(try bench.admitted == [task("7_1"): key], "nobody knows the array 8")
        #expect(try bench.folder.answer(to: key, as: "7_1").answer == nil, "the sockets do not know it yet")
        bench.door.turn(at: bench.now, standing: launch.standing)
        #expect(try bench.folder.answer(to: key, as: "7_1").answer == .admitted)
        #expect(try bench.folder.listing() == .init(answered: ["7_1"]))
        for _ in 0..<5 { bench.look(launch) }
        #expect(bench.admissions == 1 && bench.told.isEmpty)
        // The task was requeued: its next worker takes the place of the first.
        try bench.folder.ask(other, as: "7_1")
        bench.look(launch)
        bench.look(launch)
        #expect(try bench.admitted == [task("7_1"): other])
        #expect(try bench.folder.answer(to: other, as: "7_1").answer == .admitted)
        _ = launch.handle(.tick, at: 20)
        _ = launch.handle(.listed([SlurmTask(job: "7", index: 2, state: .running)]), at: 20)
        bench.look(launch)
        #expect(try bench.admitted.isEmpty && bench.folder.listing() == .init())
    }

    @Test func `what is let in goes when the sweep ends`() throws {
        let bench = try Bench()
        try bench.folder.ask(key, as: "7_1")
        bench.look(block)
        bench.look(block)
        #expect(bench.admitted.count == 1)
        bench.door.close()
        #expect(bench.admitted.isEmpty && access(bench.folder.path, F_OK) != 0)
    }

    @Test func `a key that may not come in is refused, with the reason for the person`() throws {
        let bench = try Bench()
        for (number, error) in [KeyError.launchedRevoked(name: "a", file: "b"), .keyTaken(by: "lab1"), .ownKey(folder: "c")].enumerated() {
            bench.refusal = error
            try bench.folder.ask(key, as: "7_1")
            bench.look(block)
            bench.look(block)
            #expect(try bench.folder.answer(to: key, as: "7_1").answer == .refused)
            #expect(try bench.folder.listing().asking.isEmpty)
            #expect(bench.told.count == number + 1 && bench.told.last?.contains(error.errorDescription ?? "-") == true, "\(bench.told)")
        }
        #expect(bench.admitted.isEmpty)
    }

    @Test func `what is no request is removed, and keeps no other out`() throws {
        let bench = try Bench()
        let file = bench.folder.path + "/7_1.public"
        symlink("/etc/passwd", file)
        try bench.folder.ask(key, as: "7_2")
        bench.look(block)
        #expect(try bench.admitted == [task("7_2"): key] && bench.told.count == 1)
        #expect(access(file, F_OK) != 0)
        try Data(repeating: 65, count: 100_000).write(to: URL(fileURLWithPath: file))
        chmod(file, 0o600)
        bench.look(block)
        #expect(access(file, F_OK) != 0 && bench.told.count == 2)
        // This one cannot be removed, and is said once.
        mkdir(file, 0o700)
        for _ in 0..<5 { bench.look(block) }
        #expect(bench.told.count == 3 && bench.admitted.count == 1)
    }

    @Test func `a folder that others may enter lets nobody in until that is mended, and says so once`() throws {
        let bench = try Bench()
        try bench.folder.ask(key, as: "7_1")
        chmod(bench.folder.path, 0o777)
        for _ in 0..<3 { bench.look(block) }
        #expect(bench.admitted.isEmpty && bench.told.count == 1 && bench.door.problem?.contains("chmod 0700") == true)
        chmod(bench.folder.path, 0o700)
        bench.look(block)
        #expect(bench.admitted.count == 1 && bench.door.problem == nil)
    }
}
