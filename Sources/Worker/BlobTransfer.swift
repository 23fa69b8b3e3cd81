import Coordination
import Transport

/// One blob on its way, in one direction.
protocol BlobTransfer: AnyObject {
    /// Sends as much as the credit allows, if there is anything to send.
    func proceed(over channel: BlobChannel) throws
    /// Asks anew for everything that is not known to have arrived: what was under way may be lost.
    func repeatRequests(over channel: BlobChannel) throws
    /// Takes a reply about this blob; replies that are late or of the other direction change nothing.
    func receive(_ reply: BlobReply, chunk: UnsafeRawBufferPointer, over channel: BlobChannel) throws -> BlobTransferStep
}

/// What a reply has come to.
enum BlobTransferStep {
    case ignored
    /// Nearer to the end.
    case progress
    case done(BlobClient.Event)
    /// Not now.
    case postponed(BlobObstacle)
}

/// Why a transfer cannot come to its end.
struct BlobTransferFailure: Error {
    var reason: String
    /// Whose fault it is: `io` for this host's disk or memory, `input` for what the coordinator holds.
    var fault = JobFailure.Reason.input
}
