/// Every limit of the protocol, in one place. Sizes in bytes, times in seconds.
package enum Limits {
    /// Spoken by this build; a worker that speaks another version is refused in words that it can read.
    package static let protocolVersion: UInt16 = 5

    package static let controlFrameBytes = 48 * 1024
    package static let dataFrameBytes = 264 * 1024
    /// One chunk of a blob. ZMTP heartbeats cut healthy links on long frames, so chunks stay small.
    package static let chunkBytes = 256 * 1024
    /// Chunks in flight for one transfer.
    package static let chunkCredit = 8
    /// Everything of a data frame but its chunk.
    package static let blobHeadBytes = 4096
    /// Blobs that one worker moves at once; with their credit, 64 frames, far below the data socket's queue of 256.
    package static let transfersPerWorker = 8
    package static let blobBytes: UInt64 = 4 << 30

    /// What may wait for a peer that is too busy to read. Of a worker's, epochs, which a result has as well, leave half; a worker for
    /// which more waits at the coordinator is given up.
    package static let backlogBytes = 8 << 20

    package static let nameBytes = 128
    package static let textBytes = 2048
    package static let specBytes = 24 * 1024
    package static let inputsPerJob = 128
    /// A result's; every job has one today. A job that reads 45 models is assigned with all of theirs, in one frame.
    package static let artifactsPerJob = 2
    /// A result carries every epoch, so a job's epochs are bounded by the control frame (72 bytes each).
    package static let epochsPerJob = 500
    /// Jobs that one command of a person names; 32 bytes each.
    package static let jobsPerRequest = 1000
    /// Of one reply to a person's question.
    package static let notesPerReply = 20, silentWorkersPerReply = 100
    /// Where the files of a trainer lie, all together.
    package static let trainerPathBytes = 4096
    package static let slotsPerWorker = 1024
    /// A greeting lists every attempt in one control frame (36 bytes each).
    package static let attemptsPerWorker = 1100

    /// Files of a data set that is sent to a host.
    package static let filesPerDataset = 16
    /// Workers of which a coordinator remembers what it has noted.
    package static let rememberedWorkers = 10_000
    /// A clock that is off by more, and a store with less room, are noted.
    package static let clockSkewSeconds = 5.0
    package static let lowDiskBytes: UInt64 = 1 << 30

    /// A worker is leased as many jobs ahead as it completes in so long: a message, a sync on its disk, a message back and a
    /// commit, with room for all of them to be late.
    package static let leaseAheadSeconds = 0.05

    /// The most jobs that a worker with so many slots holds beyond them: what it has not finished fits in a greeting.
    package static func leasesAhead(slots: Int) -> Int { max(0, min(512, attemptsPerWorker - slots)) }

    package static let heartbeatSeconds = 2.0
    /// So often the heartbeat is a whole greeting, which repairs what was lost on the way.
    package static let greetingSeconds = 10.0
    /// A worker that is asked to greet again has not greeted for so long, or that greeting is on its way.
    package static let greetAgainSeconds = 0.2
    /// A worker silent for so long, three heartbeats, is suspect: it gets no new work until it is heard again.
    package static let suspectSeconds = 7.0
    /// A worker silent for so long loses its leases.
    package static let leaseSeconds = 30.0
    /// So long after its start a coordinator keeps a job that may still be running for the worker that runs it: two
    /// greetings, and longer than a worker takes to notice the silence and open a new socket.
    package static let adoptionSeconds = 20.0
    /// A coordinator that has not looked at its clock for so long was stopped itself: the time is nobody's silence.
    package static let stallSeconds = 5.0
    /// A coordinator silent for so long makes the worker open a new socket and greet again.
    package static let coordinatorSilenceSeconds = 15.0
    /// A worker that has never had an answer gives up after so long: the address is most likely wrong.
    package static let firstContactSeconds = 60.0
    /// A worker whose coordinator is gone goes on computing, and waits for so long.
    package static let graceSeconds = 2400.0
    /// So many different jobs that fail on a host, with no success between, put it into quarantine.
    package static let hostFailures = 3
    /// The first quarantine; each one that follows on a failed canary is twice as long, up to the longest.
    package static let quarantineSeconds = 60.0
    package static let longestQuarantineSeconds = 1800.0
    /// So much more than the longest that is known is reckoned with for a job when a worker's time is short.
    package static let expectedDurationFactor = 1.2
    /// A worker that is to end at once waits so long for its last checkpoints and results to arrive…
    package static let farewellSeconds = 20.0
    /// … and one whose time is up begins so long before, or a tenth of its time if that is less.
    package static let lifetimeMarginSeconds = 60.0
    /// The last words of a runner that are kept with its failure.
    package static let logTailBytes = 1200
    /// A result that is not acknowledged is sent again.
    package static let resultRepeatSeconds = 3.0
    /// A transfer without progress is asked for again.
    package static let transferRepeatSeconds = 5.0
    /// A transfer for which there was no room is tried again after so long, and then after twice as long each time…
    package static let transferDelaySeconds = 1.0
    /// … but never after longer than this: space that has come back is used within a minute.
    package static let transferDelayLimitSeconds = 30.0
}
