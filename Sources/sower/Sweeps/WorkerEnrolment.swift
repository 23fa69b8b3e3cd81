import Foundation
import Keys
import Reports
import Transport

/// How a worker that nobody can speak to comes to be trusted: by a key pair that it makes for itself, whose secret half no disk ever
/// holds, and whose public half it puts where its coordinator looks.
enum WorkerEnrolment {
    static let lookSeconds = 0.5

    /// A pair that has been let in; `nil` when the worker was told to leave meanwhile.
    ///
    /// - Parameters:
    ///   - place: the enrolment folder, and the worker's name in it.
    ///   - seconds: how long to wait, since the coordinator may be about to come back.
    static func pair(at place: String, within seconds: Double, tell: (String) -> Void) throws -> KeyPair? {
        let url = URL(fileURLWithPath: place)
        let (folder, name) = (EnrolmentFolder(path: url.deletingLastPathComponent().path), url.lastPathComponent)
        let pair = KeyPair.generate()
        tell("asks to be let in as \(name), by the key \(pair.publicKey)")
        let deadline = ContinuousClock.now + .seconds(seconds)
        var isAsking = false
        while Signals.count == 0 {
            if !isAsking { try folder.ask(pair.publicKey, as: name) }
            let (answer, isThere) = try folder.answer(to: pair.publicKey, as: name)
            switch answer {
            case .admitted?: return pair
            case .refused?:
                throw Stop(
                    .unreachable, "the coordinator does not let the key \(pair.publicKey) in", remedy: "`sower run` says why where it runs."
                )
            case nil: isAsking = isThere
            }
            guard ContinuousClock.now < deadline else {
                throw Stop(
                    .unreachable, "nobody has let this worker in within \(DurationText.text(seconds: seconds))",
                    remedy: "Go on where the sweep was started: sower resume")
            }
            Thread.sleep(forTimeInterval: lookSeconds)
        }
        folder.removeRequest(of: name)
        return nil
    }
}
