import Coordination

// Mistakes around the session: in what it is told, and in what is done with its commands.

extension SimulatedCluster {
    /// What a session is told of an event; `nil` for nothing.
    func distorted(_ event: WorkerSession.Event) -> WorkerSession.Event? {
        switch (mutant, event) {
        case (.ignoresDropList, .received(.welcome(var welcome))):
            welcome.drop = []
            return .received(.welcome(welcome))
        case (.ignoresCancel, .received(.cancel)), (.ignoresMissingAnswers, .received(.missing)): return nil
        default: return event
        }
    }
}

extension Mutant {
    /// What is done in place of what the session said.
    func distorted(_ commands: [WorkerSession.Command], answering event: WorkerSession.Event) -> [WorkerSession.Command] {
        switch (self, event) {
        case (.unspoolsWhenDropped, .received(.welcome(let welcome))):
            return commands + welcome.drop.map { .unspool($0) }
        case (.neverRepeatsResults, .tick), (.neverRepeatsResults, .received(.welcome)):
            return commands.filter { if case .send(.result) = $0 { false } else { true } }
        case (.greetsWithoutAttempts, _):
            return commands.map { command in
                guard case .send(.hello(var hello)) = command else { return command }
                hello.attempts = []
                return .send(.hello(hello))
            }
        default: return commands
        }
    }
}
