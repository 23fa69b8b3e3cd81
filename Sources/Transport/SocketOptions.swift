/// The limits of one socket: how long a frame may be, and how many may wait.
package struct SocketOptions: Sendable, Equatable {
    /// The longest frame in bytes that is sent, or accepted from a peer (`ZMQ_MAXMSGSIZE`).
    ///
    /// A peer that sends a longer one loses its connection, before the frame is stored.
    package var maximumFrameBytes: Int
    /// How many messages may wait for one peer before a send reports `.wouldBlock` (`ZMQ_SNDHWM`).
    package var sendHighWaterMark: Int
    /// How many messages of one peer may wait to be received before its TCP window closes (`ZMQ_RCVHWM`).
    ///
    /// Keep it above what an honest peer may have under way. While it is reached libzmq does not read, so it sees no
    /// heartbeats either, cuts the connection after 30 s, and can abort in the side that connected
    /// (https://github.com/zeromq/libzmq/issues/3937).
    package var receiveHighWaterMark: Int

    /// How often a silent connection is asked for a sign of life (`ZMQ_HEARTBEAT_IVL`).
    package static let heartbeatIntervalMilliseconds: Int32 = 10_000
    /// How long a connection without one is kept, on both ends (`ZMQ_HEARTBEAT_TIMEOUT`, `ZMQ_HEARTBEAT_TTL`).
    ///
    /// At most 65,500: ZMTP carries it as tenths of a second in 16 bits, and libzmq's check lets larger values wrap.
    package static let heartbeatLifetimeMilliseconds: Int32 = 30_000

    /// Limits of our own choosing; both marks must be positive, since 0 means "unbounded" to libzmq.
    package init(maximumFrameBytes: Int, sendHighWaterMark: Int = 1000, receiveHighWaterMark: Int = 1000) {
        precondition(maximumFrameBytes > 0 && sendHighWaterMark > 0 && receiveHighWaterMark > 0, "limits are positive")
        self.maximumFrameBytes = maximumFrameBytes
        self.sendHighWaterMark = sendHighWaterMark
        self.receiveHighWaterMark = receiveHighWaterMark
    }

    /// Messages: at most 40 KiB a frame, 1000 waiting a peer and direction.
    package static let control = SocketOptions(maximumFrameBytes: 40 * 1024)

    /// Chunks of blobs: 256 KiB and their envelope a frame, 256 waiting to be sent (64 MiB a peer), 256 to be received.
    ///
    /// A peer has at most 64 frames under way, and twice as many while it asks again for lost ones. libzmq hears of frames that
    /// have left only once for half a queue: 256 are sure to hold all of them, so a router drops none for want of room.
    package static let data = SocketOptions(
        maximumFrameBytes: 264 * 1024, sendHighWaterMark: 256, receiveHighWaterMark: 256)
}

/// What became of a frame that was given to a socket.
package enum SendResult: Sendable, Equatable {
    /// libzmq queued the frame; that says nothing about its arrival, so every durable fact needs an acknowledgement.
    case sent
    /// The peer's queue is full: keep the frame in a bounded queue of your own, and try again later.
    ///
    /// A DEALER tells when, by `.write` of a `Poller`; a ROUTER does not, so try again at the loop's next turn or tick.
    case wouldBlock
    /// No connected peer has this id (`EHOSTUNREACH`): the session is over.
    case unreachable
}
