import Coordination
import Digests
import Testing
import Transport

@Suite struct UnreadMessagesTests {
    /// More than libzmq's two queues and the kernel's buffer between them hold, far less than may wait for a worker.
    private static let someUnread = 12_000

    /// All questions are answered, each of them with an artifact that is missing, whether the answers are read or not.
    private func ask(_ count: Int, about attempt: AttemptID, as worker: HandPlayed) throws {
        let artifacts = ["a", "b"].map { ArtifactNotice(name: $0, digest: Digest(of: $0), size: 1) }
        let result = AttemptResult(
            attempt: attempt, outcome: .finished, epochs: [], artifacts: artifacts, numericClass: "v1", seconds: 1)
        let frame = WorkerMessage.result(result).frame
        for _ in 0..<count {
            try #require(try eventually { try worker.send(frame) == .sent ? true : nil } == true, "the coordinator does not read")
        }
    }

    @Test func `jobs of a worker that does not read go to workers that are behind, and nothing of what waits for them is lost`() throws {
        let coordinator = try TestCoordinator(authorized: [], jobs: 4)
        let endpoint = "ipc://\(coordinator.folder)/control"
        // Hardly a queue of its own: what is not read waits at the coordinator soon.
        let options = SocketOptions(maximumFrameBytes: Limits.controlFrameBytes, receiveHighWaterMark: 100)
        let deaf = try HandPlayed(nil, at: endpoint, of: coordinator, options: options)
        try deaf.say(greeting("w0", slots: 4))
        let attempts = try (0..<4).map { _ in try #require(try deaf.assignment()) }
        let others = try (1...4).map { number in
            let worker = try HandPlayed(nil, at: endpoint, of: coordinator, options: options)
            try worker.say(greeting("w\(number)"))
            #expect(try worker.isWelcome())
            return worker
        }
        for other in others { try ask(Self.someUnread, about: attempts[0], as: other) }
        let left = LedgerChange.workerLeft(worker: "w0", reason: "it does not read its messages")
        let isGivenUp = try eventually(within: 20) {
            try ask(5000, about: attempts[0], as: deaf)
            return coordinator.changes.contains(left) ? true : nil
        }
        #expect(isGivenUp == true)

        var assigned: [AttemptID] = []
        var answers = others.map { _ in 0 }
        let isAllHeard = try eventually(within: 15) {
            for (index, other) in others.enumerated() {
                while let frame = try other.frame() {
                    switch try CoordinatorMessage(frame: frame) {
                    case .missing: answers[index] += 1
                    case .assign(let assignment): assigned.append(assignment.attempt)
                    default: break
                    }
                }
            }
            return assigned.count >= 4 && answers.allSatisfy { $0 >= Self.someUnread } ? true : nil
        }
        #expect(isAllHeard == true, "heard \(assigned.count) assignments and \(answers) answers")
        #expect(Set(assigned) == Set(attempts.map { AttemptID(job: $0.job, number: $0.number + 1) }))
        #expect(answers.allSatisfy { $0 == Self.someUnread })
        // libzmq must not be left with a full queue when the connection ends.
        while try deaf.frame() != nil || deaf.hear(within: 0.2, { $0 }) != nil {}
    }
}
