import Foundation
import Keys
import Transport

/// What is to be done about the names in a block's enrolment folder, as values.
package struct SlurmRequests: Sendable, Equatable {
    package enum Action: Sendable, Equatable {
        /// Read its request and let it in.
        case admit(SlurmTaskID)
        /// Its worker is gone: so is its key.
        case forget(SlurmTaskID)
    }

    /// So many of each kind at a look: each takes some milliseconds of the coordinator's.
    package static let atOnce = 8

    /// Names of files that cannot be removed are passed over from then on.
    package var stuck: Set<String> = []

    package init() {}

    package func actions(for listing: EnrolmentFolder.Listing, standing: (SlurmTaskID) -> SlurmLaunch.Standing) -> [Action] {
        let asking = listing.asking.subtracting(stuck).compactMap { SlurmTaskID($0) }.sorted()
        let all = listing.asking.union(listing.answered).subtracting(stuck).compactMap { SlurmTaskID($0) }.sorted()
        return asking.filter { standing($0) == .ours }.prefix(Self.atOnce).map { .admit($0) }
            + all.filter { standing($0) == .gone }.prefix(Self.atOnce).map { .forget($0) }
    }

    /// Whether there is something that no worker of ours has put there.
    package func hasStrangers(_ listing: EnrolmentFolder.Listing) -> Bool {
        listing.hasOthers || !listing.asking.union(listing.answered).allSatisfy { SlurmTaskID($0) != nil }
    }
}

/// Lets the workers of a Slurm block in, each by the key that it has made on its node, and out again when its task is over.
///
/// The nodes see the folder under the same path, and nobody can speak to them: each worker asks by a file, and connects when it is
/// answered. Only tasks of this block's own arrays are let in, each in the place of the task's earlier worker.
package final class SlurmDoor {
    package static let lookSeconds = 1.0

    package let folder: EnrolmentFolder
    private let admit: (SlurmTaskID, PublicKey) throws -> Void
    private let withdraw: ([SlurmTaskID]) -> Void
    private let tell: (String) -> Void
    private var requests = SlurmRequests()
    /// Let in since the last turn: by the next one the sockets know.
    private var owed: [(task: SlurmTaskID, key: PublicKey, answer: EnrolmentFolder.Answer)] = []
    private var nextLook = 0.0
    /// Why nobody can be let in, while that is so.
    package private(set) var problem: String?
    private var hasToldStrangers = false

    package init(
        folder: EnrolmentFolder, admit: @escaping (SlurmTaskID, PublicKey) throws -> Void, withdraw: @escaping ([SlurmTaskID]) -> Void,
        tell: @escaping (String) -> Void
    ) {
        self.folder = folder
        self.admit = admit
        self.withdraw = withdraw
        self.tell = tell
    }

    package func turn(at now: Double, standing: (SlurmTaskID) -> SlurmLaunch.Standing) {
        answer()
        guard now >= nextLook else { return }
        nextLook = now + Self.lookSeconds
        do throws(KeyError) {
            let listing = try folder.listing()
            problem = nil
            if requests.hasStrangers(listing), !hasToldStrangers {
                hasToldStrangers = true
                tell("\(folder.path) holds more than workers of ours have put there, which is passed over")
            }
            var gone: [SlurmTaskID] = []
            for action in requests.actions(for: listing, standing: standing) {
                switch action {
                case .admit(let task): letIn(task)
                case .forget(let task): gone.append(task)
                }
            }
            forget(gone)
        } catch {
            say(error)
        }
    }

    /// Everybody out: the sweep is over.
    package func close() {
        owed = []
        if let listing = try? folder.listing() { forget(listing.asking.union(listing.answered).compactMap { SlurmTaskID($0) }) }
        folder.remove()
    }

    private func letIn(_ task: SlurmTaskID) {
        let key: PublicKey
        do throws(KeyError) {
            key = try folder.request(of: task.text)
        } catch {
            refuse(task, error)
            return removeRequest(of: task)
        }
        do {
            try admit(task, key)
            owed.append((task, key, .admitted))
        } catch {
            refuse(task, error)
            owed.append((task, key, .refused))
        }
    }

    private func refuse(_ task: SlurmTaskID, _ error: any Error) {
        tell("the worker of task \(task.text) is not let in: \((error as? any LocalizedError)?.errorDescription ?? "\(error)")")
    }

    private func answer() {
        for (task, key, answer) in owed {
            do throws(KeyError) {
                try folder.answer(answer, to: key, as: task.text)
                removeRequest(of: task)
            } catch {
                // It asks still: the next look has it again.
                say(error)
            }
        }
        owed = []
    }

    private func removeRequest(of task: SlurmTaskID) {
        if !folder.removeRequest(of: task.text) { requests.stuck.insert(task.text) }
    }

    private func forget(_ tasks: [SlurmTaskID]) {
        guard !tasks.isEmpty else { return }
        withdraw(tasks)
        for task in tasks where !folder.forget(task.text) { requests.stuck.insert(task.text) }
    }

    private func say(_ error: KeyError) {
        let text = "its workers cannot be let in: \(error.errorDescription ?? "\(error)"); \(error.recoverySuggestion ?? "")"
        if problem != text { tell(text) }
        problem = text
    }
}
