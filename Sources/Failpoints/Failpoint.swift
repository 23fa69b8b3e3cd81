/// A named place where a process can be killed, delayed or given an error, to see that nothing is lost there.
///
/// One stands around every write, sync, rename, commit and send, in the order in which a sweep passes them. All are compiled
/// in and do nothing unless `SOWER_FAILPOINTS` names them: then a pass costs one load and one branch.
///
/// `before` and `after` in a name are of the step itself: after `ledger.commit.before` nothing of the transaction is on the
/// disk, at `ledger.commit.after` all of it is.
package enum Failpoint: String, CaseIterable, Sendable {
    // The ledger. A change is one statement group inside a transaction that is not committed yet.
    case ledgerRegisterBefore = "ledger.register.before"
    case ledgerRegisterAfter = "ledger.register.after"
    case ledgerRecordBefore = "ledger.record.before"
    case ledgerChangeBefore = "ledger.change.before"
    case ledgerCommitBefore = "ledger.commit.before"
    case ledgerCommitAfter = "ledger.commit.after"
    case ledgerCheckpointBefore = "ledger.checkpoint.before"
    case ledgerCheckpointAfter = "ledger.checkpoint.after"
    // Room ahead in the write-ahead log.
    case ledgerReserveBefore = "ledger.reserve.before"
    case ledgerReserveAfter = "ledger.reserve.after"

    // Artifacts, on workers and the coordinator alike. Names are the folder entries, synced by themselves.
    case artifactWriteBefore = "artifact.write.before"
    case artifactWriteAfter = "artifact.write.after"
    case artifactSyncBefore = "artifact.sync.before"
    case artifactSyncAfter = "artifact.sync.after"
    case artifactRenameBefore = "artifact.rename.before"
    case artifactRenameAfter = "artifact.rename.after"
    case artifactNamesAfter = "artifact.names.after"
    case artifactRemoveBefore = "artifact.remove.before"
    case artifactRemoveAfter = "artifact.remove.after"
    case partialAppendBefore = "partial.append.before"
    case partialAppendAfter = "partial.append.after"
    case partialFinishBefore = "partial.finish.before"
    case partialFinishAfter = "partial.finish.after"

    // A data set that was sent to a host.
    case hostDataLinkBefore = "host-data.link.before"
    case hostDataSyncBefore = "host-data.sync.before"
    case hostDataRenameBefore = "host-data.rename.before"
    case hostDataRenameAfter = "host-data.rename.after"

    // A worker's outbox.
    case outboxWriteBefore = "outbox.write.before"
    case outboxSyncBefore = "outbox.sync.before"
    case outboxSyncAfter = "outbox.sync.after"
    case outboxUnspoolBefore = "outbox.unspool.before"
    case outboxUnspoolAfter = "outbox.unspool.after"

    // Messages.
    case coordinatorReceiveAfter = "coordinator.receive.after"
    case coordinatorSendBefore = "coordinator.send.before"
    case coordinatorSendAfter = "coordinator.send.after"
    case coordinatorDiscardBefore = "coordinator.discard.before"
    case coordinatorDismissBefore = "coordinator.dismiss.before"
    case workerReceiveAfter = "worker.receive.after"
    case workerSendBefore = "worker.send.before"
    case workerSendAfter = "worker.send.after"
    case blobServerReplyBefore = "blob-server.reply.before"
    case blobServerReplyAfter = "blob-server.reply.after"
    case blobClientSendBefore = "blob-client.send.before"
    case blobClientSendAfter = "blob-client.send.after"

    // Pipes between a worker and its runners.
    case runnerRequestBefore = "runner.request.before"
    case runnerRequestAfter = "runner.request.after"
    case runnerTakeAfter = "runner.take.after"
    case runnerAnswerBefore = "runner.answer.before"
    case runnerAnswerAfter = "runner.answer.after"

    // What a host remembers of the worker that was started on it, and what is collected of that worker's log.
    case workerRecordBefore = "worker-record.write.before"
    case workerRecordAfter = "worker-record.write.after"
    case hostLogBefore = "host-log.write.before"
    case hostLogAfter = "host-log.write.after"
    case hostLogPlaceAfter = "host-log.place.after"

    /// Passes the point: may kill or delay the process, and does so only when `SOWER_FAILPOINTS` asks for it here.
    @inlinable package func pass() {
        if ArmedFailpoints.isArmed { _ = ArmedFailpoints.pass(self) }
    }

    /// Passes a point that stands for a system call which can fail: the errno that the caller must report, as if the call
    /// had failed with it, or `nil` to go on.
    @inlinable package func failure() -> Int32? {
        ArmedFailpoints.isArmed ? ArmedFailpoints.pass(self) : nil
    }

    /// Whether the point asks `failure()`: elsewhere there is no call that could fail.
    package var canFail: Bool {
        switch self {
        case .ledgerRecordBefore, .ledgerChangeBefore, .ledgerCommitBefore, .ledgerCheckpointBefore, .ledgerRegisterBefore,
            .artifactWriteBefore, .artifactSyncBefore, .artifactRenameBefore, .artifactRenameAfter, .partialAppendBefore,
            .ledgerReserveBefore, .artifactRemoveBefore, .artifactRemoveAfter, .hostDataLinkBefore, .hostDataSyncBefore,
            .hostDataRenameBefore, .outboxWriteBefore, .outboxSyncBefore, .outboxSyncAfter, .workerRecordBefore, .hostLogBefore:
            true
        default: false
        }
    }
}
