import Coordination
import Digests
import Studies

// Messages between workers and the coordinator: lost, late, repeated, garbled, cut off.

extension SimulatedCluster {
    mutating func send(_ message: WorkerMessage, from host: Int) {
        let link = hosts[host].link
        guard !link.isDead, now >= link.outgoingCutUntil, let packet = packet(message) else { return }
        transmit(.atCoordinator(connection: link.connection, packet))
    }

    mutating func send(_ message: CoordinatorMessage, to connection: Int) {
        guard connectionOwners.indices.contains(connection) else { return }
        let host = Int(connectionOwners[connection])
        let link = hosts[host].link
        guard connection == link.connection, !link.isDead, now >= link.incomingCutUntil, let packet = packet(message) else { return }
        transmit(.atWorker(host: host, connection: connection, packet))
    }

    private mutating func transmit(_ action: Action) {
        if goesWrong(.droppedMessages) { return }
        for _ in 0..<(goesWrong(.repeatedMessages) ? 2 : 1) {
            schedule(action, in: goesWrong(.lateMessages) ? choices.seconds(0, 20) : choices.seconds(0.001, 0.2))
        }
    }

    private mutating func packet<Message: WireCodable>(_ message: Message) -> Packet<Message>? {
        let isGarbled = goesWrong(.garbledMessages)
        guard usesCodec || isGarbled else { return .message(message) }
        var frame = message.frame
        if frame.count > Limits.controlFrameBytes { faults.append("a message of \(frame.count) bytes is sent: \(Message.self)") }
        guard isGarbled else { return .frame(frame) }
        if choices.chance(0.5) {
            frame.removeLast(1 + choices.below(frame.count))
        } else {
            frame += (0...choices.below(8)).map { _ in UInt8(truncatingIfNeeded: choices.next()) }
        }
        return .garbled(frame)
    }

    /// What the receiver reads; `nil` for bytes that it refuses.
    mutating func unpack<Message: WireCodable>(_ packet: Packet<Message>) -> Message? {
        switch packet {
        case .message(let message): return message
        case .frame(let frame):
            if let message = try? Message(frame: frame) { return message }
            faults.append("what was sent is no message to its receiver: \(Message.self)")
            return nil
        case .garbled(let frame):
            if (try? Message(frame: frame)) != nil { faults.append("a garbled message was taken: \(Message.self)") }
            return nil
        }
    }

    /// A connection of its own for the host's worker; the old one's messages are lost.
    mutating func openLink(of host: Int) {
        hosts[host].link.connection = connectionOwners.count
        hosts[host].link.isDead = false
        connectionOwners.append(Int32(host))
    }

    /// What befalls a link by itself, once a second.
    mutating func troubleLink(of host: Int) {
        if goesWrong(.partitions) {
            let end = now + choices.seconds(1, 60)
            hosts[host].link.outgoingCutUntil = end
            hosts[host].link.incomingCutUntil = end
        }
        if goesWrong(.oneWayPartitions) {
            let end = now + choices.seconds(1, 60)
            if choices.chance(0.5) { hosts[host].link.outgoingCutUntil = end } else { hosts[host].link.incomingCutUntil = end }
        }
        if goesWrong(.deadLinks) { hosts[host].link.isDead = true }
        if goesWrong(.renewedLinks), !hosts[host].link.isDead { openLink(of: host) }
        if goesWrong(.strangeMessages) { speakStrangely(from: host) }
    }

    /// Says what cannot be true, under a worker's name or a stranger's.
    private mutating func speakStrangely(from host: Int) {
        strangers += 1
        let unknown = AttemptID(job: JobID(Digest(of: "nobody's \(strangers)")), number: 1 + choices.below(3))
        let known = study.entries[choices.below(study.entries.count)].id
        let never = AttemptID(job: known, number: 1_000_000)
        let attempt = choices.chance(0.5) ? unknown : never
        let message: WorkerMessage
        switch choices.below(6) {
        case 0:
            let noise = (0..<choices.below(60)).map { _ in UInt8(truncatingIfNeeded: choices.next()) | 0x80 }
            return schedule(.atCoordinator(connection: -strangers, .garbled(noise)), in: 0.01)
        case 1: return schedule(.atCoordinator(connection: -strangers, .message(.heartbeat)), in: 0.01)
        case 2: message = .epoch(attempt, .simulated(1))
        case 3: message = .checkpoint(attempt, SimulatedStudy.checkpoint(of: [1], epoch: 1, numericClass: ""))
        case 4:
            message = .result(
                AttemptResult(attempt: attempt, outcome: .finished, epochs: [], artifacts: [], numericClass: "", seconds: 0))
        default:
            let failure = JobFailure(.crashed, "nobody's")
            message = .result(
                AttemptResult(attempt: attempt, outcome: .failed(failure), epochs: [], artifacts: [], numericClass: "", seconds: 0))
        }
        send(message, from: host)
    }
}

extension EpochMetrics {
    static func simulated(_ epoch: Int) -> EpochMetrics {
        EpochMetrics(
            epoch: epoch, learningRate: 0.1, trainingLoss: 1.5, trainingAccuracy: 50, trainingTop5Accuracy: 90, validationLoss: 1.25,
            validationAccuracy: 40, validationTop5Accuracy: 80, images: 1000, seconds: 2)
    }
}
