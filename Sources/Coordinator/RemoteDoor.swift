import Transport

/// Where workers of other hosts connect: both sockets speak CURVE, and only to keys that are authorized.
package struct RemoteDoor {
    /// What a look at the key files has found.
    package struct Keys {
        package var authorized: Set<PublicKey>
        /// What a person should know of it: files that could not be read, and the like.
        package var notes: [String]

        package init(authorized: Set<PublicKey>, notes: [String] = []) {
            self.authorized = authorized
            self.notes = notes
        }
    }

    /// The sockets as libzmq endpoints (`tcp://*:17610`).
    package var controlEndpoint: String
    package var dataEndpoint: String
    package var curve: CurveServer
    /// Asked each turn: the keys as they are now, when somebody has asked to look at them again.
    package var reload: () -> Keys?

    package init(controlEndpoint: String, dataEndpoint: String, curve: CurveServer, reload: @escaping () -> Keys? = { nil }) {
        self.controlEndpoint = controlEndpoint
        self.dataEndpoint = dataEndpoint
        self.curve = curve
        self.reload = reload
    }
}
