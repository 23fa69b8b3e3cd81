import Launchers
import Testing

/// What has happened → what to do, for one Slurm block.
@Suite struct SlurmLaunchTests {
    private func task(_ job: String, _ index: Int, _ state: SlurmTask.State, _ reason: String? = nil) -> SlurmTask {
        SlurmTask(job: job, index: index, state: state, reason: reason)
    }

    private func told(_ actions: [SlurmLaunch.Action]) -> [String] {
        actions.compactMap { if case .tell(let text) = $0 { text } else { nil } }
    }

    /// A block whose first array has been taken at the time 0.
    private func submitted(nodes: Int, limit: Double? = nil) -> SlurmLaunch {
        var launch = SlurmLaunch(name: "slurm-cpu", nodes: nodes, timeLimitSeconds: limit, earlier: [], folder: "/f")
        #expect(launch.handle(.tick, at: 0) == [.submit(tasks: nodes)])
        let actions = launch.handle(.submitted(job: "1"), at: 0)
        let words = nodes == 1 ? "1 node" : "\(nodes) nodes"
        #expect(actions == [.remember(["1"]), .tell("slurm-cpu: Slurm has job 1, \(words); logs are /f/slurm-cpu-1_*.log")])
        return launch
    }

    /// Asks the queue at `now`, which answers with `tasks`.
    private func look(_ launch: inout SlurmLaunch, at now: Double, _ tasks: [SlurmTask]) -> [SlurmLaunch.Action] {
        let asked = launch.handle(.tick, at: now)
        let expected = [SlurmLaunch.Action.list(launch.jobIDs)]
        #expect(asked == expected)
        return launch.handle(.listed(tasks), at: now)
    }

    @Test func `the queue is asked every twenty seconds, and the reason of waiting is said once when it changes`() {
        var launch = submitted(nodes: 2)
        #expect(launch.handle(.tick, at: 19).isEmpty)
        let both = { (reason: String?) in [1, 2].map { task("1", $0, .waiting, reason) } }
        #expect(told(look(&launch, at: 20, both("Priority"))) == ["slurm-cpu: 0 of 2 run, 2 wait (Priority)"])
        #expect(told(look(&launch, at: 40, both("Resources"))).isEmpty, "priority and resources in turn are no news")
        #expect(told(look(&launch, at: 60, both("PartitionTimeLimit"))) == ["slurm-cpu: 0 of 2 run, 2 wait (PartitionTimeLimit)"])
        #expect(told(look(&launch, at: 80, both("PartitionTimeLimit"))).isEmpty)
        #expect(launch.notice == "0 of 2 run, 2 wait (PartitionTimeLimit)" && launch.problem == nil && !launch.isHopeless)
        #expect(told(look(&launch, at: 100, [task("1", 1, .running), task("1", 2, .waiting)])) == ["slurm-cpu: 1 of 2 run, 1 wait"])
        _ = look(&launch, at: 120, [task("1", 1, .running), task("1", 2, .running)])
        #expect(launch.notice == nil && launch.hasEverRun)
    }

    @Test func `jobs that die at once are given up, however long they have waited`() {
        var launch = submitted(nodes: 2)
        var now = 0.0
        for array in 1...3 {
            // An hour in the queue, then both are dead before the next look.
            for _ in 0..<180 {
                now += 20
                #expect(!look(&launch, at: now, [1, 2].map { task("\(array)", $0, .waiting, "Resources") }).contains(.submit(tasks: 2)))
            }
            now += 20
            let actions = look(&launch, at: now, [1, 2].map { task("\(array)", $0, .ended) })
            #expect(actions.first == .remember([]))
            if array < 3 {
                #expect(actions.last == .submit(tasks: 2))
                _ = launch.handle(.submitted(job: "\(array + 1)"), at: now)
            } else {
                #expect(told(actions) == ["slurm-cpu: its jobs end at once; their logs are in /f"])
            }
        }
        #expect(launch.phase == .failed && launch.isHopeless)
        #expect(launch.handle(.tick, at: now + 1e6).isEmpty)
    }

    @Test func `jobs that end by their time limit are handed in anew for ever`() {
        var launch = submitted(nodes: 1)
        var now = 0.0
        for array in 1...10 {
            now += 20
            _ = look(&launch, at: now, [task("\(array)", 1, .running)])
            now += 120
            _ = look(&launch, at: now, [task("\(array)", 1, .running)])
            now += 20
            #expect(look(&launch, at: now, [task("\(array)", 1, .ended)]).last == .submit(tasks: 1), "array \(array)")
            _ = launch.handle(.submitted(job: "\(array + 1)"), at: now)
        }
        #expect(launch.problem == nil)
    }

    @Test func `a job of one minute has worked after half of it`() {
        var launch = submitted(nodes: 1, limit: 60)
        var now = 0.0
        for array in 1...5 {
            for _ in 0..<3 {
                now += 20
                _ = look(&launch, at: now, [task("\(array)", 1, .running)])
            }
            now += 20
            #expect(look(&launch, at: now, [task("\(array)", 1, .ended)]).last == .submit(tasks: 1))
            _ = launch.handle(.submitted(job: "\(array + 1)"), at: now)
        }
    }

    @Test func `a task that has ended is replaced while others run and wait`() {
        var launch = submitted(nodes: 3)
        _ = look(&launch, at: 20, [task("1", 1, .running), task("1", 2, .running), task("1", 3, .waiting, "Resources")])
        let later = [task("1", 1, .ended), task("1", 2, .running), task("1", 3, .waiting, "Resources")]
        #expect(look(&launch, at: 200, later).last == .submit(tasks: 1))
        _ = launch.handle(.submitted(job: "2"), at: 200)
        #expect(launch.jobIDs == ["1", "2"])
        let full = look(&launch, at: 220, later + [task("2", 1, .waiting, "Priority")])
        #expect(!full.contains { if case .submit = $0 { true } else { false } })
        // Forgotten by Slurm: all of the first array has ended.
        let actions = look(&launch, at: 240, [task("2", 1, .running)])
        #expect(actions.contains(.remember(["2"])) && actions.last == .submit(tasks: 2))
    }

    @Test func `a bad node stops replacing, not the others, and is forgotten when they have done their work`() {
        var launch = submitted(nodes: 2)
        let good = task("1", 1, .running)
        _ = look(&launch, at: 20, [good, task("1", 2, .ended)])
        _ = launch.handle(.submitted(job: "2"), at: 20)
        _ = look(&launch, at: 140, [good, task("2", 1, .ended)])
        var now = 140.0
        for array in 3...4 {
            _ = launch.handle(.submitted(job: "\(array)"), at: now)
            now += 20
            let actions = look(&launch, at: now, [good, task("\(array)", 1, .ended)])
            #expect(array == 3 ? actions.last == .submit(tasks: 1) : !actions.contains(.submit(tasks: 1)))
            #expect(array == 3 || told(actions).contains { $0.contains("its newest jobs end at once") }, "\(actions)")
        }
        #expect(!launch.isHopeless && launch.phase == .waiting(until: now + 20))
        #expect(look(&launch, at: now + 4000, [task("1", 1, .ended)]).last == .submit(tasks: 2))
    }

    @Test func `what a person has cancelled is not replaced`() {
        var launch = submitted(nodes: 3)
        _ = look(&launch, at: 20, [task("1", 1, .running), task("1", 2, .running), task("1", 3, .waiting)])
        // Of a task that was cancelled while it waited Slurm has no record.
        let actions = look(&launch, at: 40, [task("1", 1, .running), task("1", 2, .cancelled)])
        #expect(told(actions).first == "slurm-cpu: 2 tasks of Slurm's job 1 cancelled by somebody, and not replaced")
        #expect(!actions.contains { if case .submit = $0 { true } else { false } })
        #expect(told(look(&launch, at: 60, [task("1", 1, .running), task("1", 2, .cancelled)])).isEmpty, "once")
        _ = look(&launch, at: 80, [task("1", 1, .cancelled), task("1", 2, .cancelled)])
        #expect(launch.phase == .failed && launch.problem == "its jobs were cancelled; `sower resume` hands in others")
    }

    @Test func `a requeued task begins anew`() {
        var launch = submitted(nodes: 1)
        _ = look(&launch, at: 20, [task("1", 1, .running)])
        _ = look(&launch, at: 40, [task("1", 1, .waiting, "BeginTime")])
        _ = look(&launch, at: 160, [task("1", 1, .running)])
        for array in 2...3 {
            #expect(look(&launch, at: 140 + 40 * Double(array - 1), [task("\(array - 1)", 1, .ended)]).last == .submit(tasks: 1))
            _ = launch.handle(.submitted(job: "\(array)"), at: 140 + 40 * Double(array - 1))
        }
        _ = look(&launch, at: 300, [task("3", 1, .ended)])
        #expect(launch.phase == .failed, "it never ran for two minutes at a stretch")
    }

    @Test func `a refused array is named once and tried again ever more rarely`() {
        var launch = SlurmLaunch(name: "slurm-cpu", nodes: 2, timeLimitSeconds: nil, earlier: [], folder: "/f")
        var tries: [Double] = []
        for second in 0..<3000 where launch.handle(.tick, at: Double(second)) == [.submit(tasks: 2)] {
            let actions = launch.handle(.refused("no account"), at: Double(second))
            #expect(actions == (tries.isEmpty ? [.tell("slurm-cpu: no account; it is tried again")] : []))
            tries.append(Double(second))
        }
        let delays = zip(tries.dropFirst(), tries).map { $0 - $1 }
        #expect(delays.prefix(4) == [20, 40, 80, 160] && delays.last == 300)
        #expect(launch.isHopeless && launch.notice == "no account")
        #expect(launch.handle(.tick, at: 4000) == [.submit(tasks: 2)])
        _ = launch.handle(.submitted(job: "1"), at: 4000)
        #expect(!launch.isHopeless && launch.problem == nil)
    }

    @Test func `arrays of an earlier run are taken over, or forgotten`() {
        var launch = SlurmLaunch(name: "slurm-cpu", nodes: 2, timeLimitSeconds: nil, earlier: ["5", "6"], folder: "/f")
        // Task 6_1 was cancelled before this run, which asks for two again.
        let actions = look(&launch, at: 0, [task("5", 2, .running), task("6", 1, .cancelled)])
        #expect(told(actions).contains("slurm-cpu: Slurm's job 5 is still there"))
        #expect(actions.contains(.remember(["5"])) && actions.last == .submit(tasks: 1))

        var alone = SlurmLaunch(name: "slurm-cpu", nodes: 2, timeLimitSeconds: nil, earlier: ["5"], folder: "/f")
        #expect(look(&alone, at: 0, []) == [.remember([]), .submit(tasks: 2)])
    }

    @Test func `a queue that does not answer decides nothing, and is named when it lasts`() {
        var launch = submitted(nodes: 1)
        for miss in 1...5 {
            #expect(launch.handle(.tick, at: 20 * Double(miss)) == [.list(["1"])])
            let actions = launch.handle(.notListed("no answer in time"), at: 20 * Double(miss))
            #expect(actions == (miss == 3 ? [.tell("slurm-cpu: Slurm's queue cannot be read: no answer in time; it is tried again")] : []))
        }
        #expect(launch.notice?.contains("cannot be read") == true && !launch.isHopeless)
        _ = look(&launch, at: 120, [task("1", 1, .running)])
        #expect(launch.notice == nil)
    }
}
