import Foundation
import Launchers
import Processes
import Testing

/// What has happened → what to do, for one host.
@Suite struct HostLaunchTests {
    private let worker = DetachedProcessExample.process
    private func running(_ name: String, isNew: Bool = true) -> HostLaunch.Event {
        .reported(.running(name: name, process: worker, log: "/log", isNew: isNew))
    }
    private let lost = HostLaunch.Event.ended(Conversation.Ending(end: .exited(255), errors: ["Connection closed"]))

    private func launched() -> HostLaunch {
        var launch = HostLaunch(name: "lab1", machine: "x86_64")
        #expect(launch.handle(.tick, at: 0) == [.probe])
        #expect(launch.handle(.probed(system: "Linux", machine: "x86_64", hasProgram: true), at: 1) == [.hangUp, .supervise])
        #expect(launch.handle(running("lab1-a"), at: 2) == [.tell("lab1: worker lab1-a runs (process 7, log /log)")])
        #expect(launch.isRunning)
        return launch
    }

    @Test func `a host without the program gets it once, and is asked again`() {
        var launch = HostLaunch(name: "lab1", machine: "x86_64")
        _ = launch.handle(.tick, at: 0)
        #expect(launch.handle(.probed(system: "Linux", machine: "x86_64", hasProgram: false), at: 1) == [.hangUp, .push])
        #expect(launch.handle(.pushed, at: 2) == [.hangUp, .probe])
        #expect(launch.handle(.probed(system: "Linux", machine: "x86_64", hasProgram: true), at: 3) == [.hangUp, .supervise])
        #expect(launch.handle(.reported(.key("k")), at: 4) == [.enroll("k")])
    }

    @Test func `another kind of machine is refused by name, for good`() {
        for (system, machine) in [("Linux", "aarch64"), ("Darwin", "x86_64")] {
            var launch = HostLaunch(name: "pi", machine: "x86_64")
            _ = launch.handle(.tick, at: 0)
            guard case .tell(let text)? = launch.handle(.probed(system: system, machine: machine, hasProgram: true), at: 1).last else {
                Issue.record("nothing is told"); return
            }
            #expect(text.hasPrefix("pi: it is a \(system) \(machine) host, and this program is built for Linux x86_64"))
            #expect(launch.isOver)
            #expect(launch.handle(.tick, at: 1e6).isEmpty)
        }
    }

    @Test func `a host that cannot be reached is named once and tried again ever more rarely`() {
        var launch = HostLaunch(name: "lab1", machine: "x86_64")
        var now = 0.0
        var delays: [Double] = []
        for attempt in 0..<10 {
            #expect(launch.handle(.tick, at: now) == [.probe])
            let actions = launch.handle(lost, at: now)
            #expect(
                actions
                    == (attempt == 0 ? [.hangUp, .tell("lab1: it cannot be reached: Connection closed; it is tried again")] : [.hangUp]))
            guard case .waiting(let until) = launch.phase else { Issue.record("\(launch.phase)"); return }
            #expect(launch.handle(.tick, at: until - 0.1).isEmpty)
            delays.append(until - now)
            now = until
        }
        #expect(delays.first == 5 && delays.last == 300 && delays == delays.sorted())
        #expect(!launch.hasEverRun && launch.problem != nil)
    }

    @Test func `a worker outlives its connection, and is found again`() {
        var launch = launched()
        #expect(launch.handle(lost, at: 10).contains(.hangUp))
        #expect(launch.handle(.tick, at: 15) == [.probe])
        _ = launch.handle(.probed(system: "Linux", machine: "x86_64", hasProgram: true), at: 16)
        let found = launch.handle(running("lab1-a", isNew: false), at: 17)
        #expect(found == [.tell("lab1: worker lab1-a still runs")], "nobody is told that it ended")
        #expect(launch.problem == nil)
    }

    @Test func `a worker that ended unseen is reported when its successor runs`() {
        var launch = launched()
        _ = launch.handle(lost, at: 10)
        _ = launch.handle(.tick, at: 15)
        _ = launch.handle(.probed(system: "Linux", machine: "x86_64", hasProgram: true), at: 16)
        #expect(
            launch.handle(running("lab1-b"), at: 17).contains(
                .workerEnded(name: "lab1-a", reason: "another worker has taken its place on lab1")))
    }

    @Test func `a worker that dies is started again, up to a limit`() {
        var launch = launched()
        var now = 10.0
        for _ in 0..<5 {
            let actions = launch.handle(.reported(.ended(reason: "boom")), at: now)
            #expect(actions.contains { if case .workerEnded(_, "boom") = $0 { true } else { false } })
            now += 400
            #expect(launch.handle(.tick, at: now) == [.probe])
            _ = launch.handle(.probed(system: "Linux", machine: "x86_64", hasProgram: true), at: now)
            _ = launch.handle(running("lab1-a"), at: now)
        }
        #expect(
            launch.handle(.reported(.ended(reason: "boom")), at: now).last
                == .tell("lab1: its worker ended 6 times, last: boom"))
        #expect(launch.isOver)
    }

    @Test func `a worker that dies once in a while is started again for ever`() {
        var launch = launched()
        var now = 10.0
        for week in 1...20 {
            now += 604_800
            _ = launch.handle(.reported(.ended(reason: "out of memory")), at: now)
            #expect(!launch.isOver, "week \(week)")
            now += 400
            #expect(launch.handle(.tick, at: now) == [.probe])
            _ = launch.handle(.probed(system: "Linux", machine: "x86_64", hasProgram: true), at: now)
            _ = launch.handle(running("lab1-\(week)"), at: now)
            // The time counts from its start, whatever becomes of the connection.
            _ = launch.handle(lost, at: now + 10)
            _ = launch.handle(.tick, at: now + 15)
            _ = launch.handle(.probed(system: "Linux", machine: "x86_64", hasProgram: true), at: now + 15)
            _ = launch.handle(running("lab1-\(week)", isNew: false), at: now + 16)
        }
        #expect(launch.isRunning)
    }

    @Test func `a worker that somebody has told to leave is not started again`() {
        var launch = launched()
        let actions = launch.handle(.reported(.left), at: 10)
        #expect(actions.first == .workerEnded(name: "lab1-a", reason: "it was told to leave"))
        #expect(actions.last == .tell("lab1: its worker was told to leave on that host; `sower resume` starts one again"))
        #expect(launch.isOver && launch.handle(.tick, at: 1e6).isEmpty)
    }

    @Test func `what a worker says is kept, and at the end it is told and its last words are kept`() {
        var launch = launched()
        let piece = LogPiece(bytes: Data("a\n".utf8), end: LogPlace(file: 1, offset: 2))
        #expect(launch.handle(.reported(.log(piece)), at: 15) == [.keepLog(piece)])
        #expect(launch.isRunning)
        #expect(launch.handle(.stop, at: 20) == [.say(.stop)])
        #expect(!launch.isOver)
        #expect(launch.handle(.reported(.log(piece)), at: 21) == [.keepLog(piece)])
        #expect(launch.handle(.reported(.ended(reason: "it was told to end")), at: 21) == [.hangUp])
        #expect(launch.isOver)
        #expect(launch.handle(.stop, at: 22).isEmpty)
    }

    @Test func `at the end a host that is away is named`() {
        var launch = launched()
        _ = launch.handle(lost, at: 10)
        #expect(
            launch.handle(.stop, at: 20) == [
                .hangUp, .tell("lab1: its worker cannot be told; it ends by itself when it finds no coordinator"),
            ])
        #expect(launch.isOver)
    }
}

enum DetachedProcessExample {
    static let process: DetachedProcess = {
        var process = DetachedProcess(running: 1)!
        process.processID = 7
        return process
    }()
}
