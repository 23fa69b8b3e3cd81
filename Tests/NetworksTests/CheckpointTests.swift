import Networks
import Tensors
import Testing

/// Runs that are cut and go on elsewhere.
@Suite struct CheckpointTests {
    struct Case: CustomTestStringConvertible {
        var architecture: Architecture
        var imageSize: Int
        var schedule: LearningRateSchedule
        var nesterov: Bool
        var testDescription: String { "\(architecture.rawValue), \(imageSize) pixels, \(schedule)" }

        init(_ architecture: Architecture, imageSize: Int, _ schedule: LearningRateSchedule, nesterov: Bool) {
            (self.architecture, self.imageSize, self.schedule, self.nesterov) = (architecture, imageSize, schedule, nesterov)
        }

        var shape: NetworkShape {
            get throws {
                try NetworkShape(
                    architecture: architecture, classes: architecture == .vgg11 ? 2 : 3, channels: 3, imageSize: imageSize)
            }
        }

        /// A network and a trainer as a fresh process has them; `images` of training, a few more of validation.
        func trainer(images: Int, start: NetworkState?) throws -> Trainer {
            let shape = try shape
            let network = Network(shape: shape, maximumBatch: 4)
            if let start { try network.load(start) }
            let settings = TrainingSettings(
                epochs: 4, batchSize: 4,
                sgd: SGDSettings(learningRate: 0.01, momentum: 0.9, weightDecay: 1e-3, nesterov: nesterov),
                schedule: schedule, orderSeed: 5, dropoutSeed: 6)
            var time = Duration.zero
            return Trainer(
                network: network, settings: settings,
                training: TintedNoise(count: images, classes: shape.classes, size: imageSize),
                validation: TintedNoise(count: images + 1, classes: shape.classes, size: imageSize), mixing: Reversal()
            ) {
                time += .seconds(2)
                return time
            }
        }
    }

    /// Mixes each image with the one as far from the other end of its batch.
    struct Reversal: BatchMixing {
        func mix(
            _ images: UnsafeMutablePointer<Float>, rows: Int, count: Int, epoch: Int, batch: Int
        ) -> (share: Float, partners: [Int]) {
            var stream = RandomStream(seed: 9, substream: UInt64(epoch) << 32 | UInt64(batch))
            let share = 0.5 + stream.uniform() / 2
            for row in 0..<rows {
                let whole = (0..<count).map { images[row * count + $0] }
                for i in 0..<count { images[row * count + i] = share * whole[i] + (1 - share) * whole[count - 1 - i] }
            }
            return (share, (0..<count).map { count - 1 - $0 })
        }
    }

    /// Four epochs at once against two, a checkpoint, and two more in a network that was never given a start.
    static func check(_ setup: Case, start: NetworkState, images: Int) throws {
        let trainer = try setup.trainer(images: images, start: start)
        var checkpoint: TrainingCheckpoint?
        let outcome = try trainer.run { record, make in if record.epoch == 2 { checkpoint = make() } }
        let halfway = try #require(checkpoint)
        #expect(halfway.records == Array(outcome.records.prefix(2)) && outcome.records.count == 4)

        let resumed = try setup.trainer(images: images, start: nil)
        var epochs: [Int] = []
        let rest = try resumed.run(from: halfway) { record, _ in epochs.append(record.epoch) }
        #expect(epochs == [3, 4])
        #expect(rest == outcome)
        let end = trainer.network.snapshot
        expectSame(resumed.network.snapshot, end, "the network at the end")
        // The run was not at a standstill, or anything would pass.
        let hasMoved = halfway.network.values != end.values
        #expect(hasMoved)
        #expect(outcome.records[0].trainingLoss != outcome.records[3].trainingLoss)
    }

    /// A rate that falls in the first half and again in the second.
    static let plateau = LearningRateSchedule.reduceOnPlateau(watch: .trainingLoss, mode: .max, factor: 0.5, patience: 1)

    static let cases = [
        // Eight of nine taps of the last stage's kernels are dead.
        Case(.resnet18, imageSize: 16, plateau, nesterov: false),
        Case(.customResNet18, imageSize: 8, .cosine(epochs: 4), nesterov: true),
        Case(.fixupResNet20, imageSize: 8, .step(every: 2, factor: 0.3), nesterov: true),
        Case(.fixupResNet20, imageSize: 9, plateau, nesterov: false),
        Case(.lenet, imageSize: 16, .cosine(epochs: 4), nesterov: false),
        Case(.lenet, imageSize: 17, .constant, nesterov: true),
    ]

    @Test(arguments: cases)
    func `A run goes on from a checkpoint with the same records and bits`(_ setup: Case) throws {
        try Self.check(setup, start: PyTorchParityTests.start(setup.shape, seed: 1), images: 11)
    }

    @Test func `Every checkpoint of a run leads to the same end`() throws {
        let setup = Case(.lenet, imageSize: 16, Self.plateau, nesterov: true)
        let trainer = try setup.trainer(images: 9, start: PyTorchParityTests.start(setup.shape, seed: 1))
        var checkpoints: [TrainingCheckpoint] = []
        let outcome = try trainer.run { checkpoints.append($1()) }
        let end = trainer.network.snapshot
        #expect(Set(outcome.records.map(\.learningRate)).count > 1)
        for checkpoint in checkpoints {
            // The same trainer, whatever it did before.
            #expect(try trainer.run(from: checkpoint) { _, _ in } == outcome)
            expectSame(trainer.network.snapshot, end)
        }
        expectSame(checkpoints.last?.network, end)
    }

    @Test func `A new run forgets the momentum of the one before`() throws {
        let setup = Case(.lenet, imageSize: 16, .constant, nesterov: false)
        let start = try PyTorchParityTests.start(setup.shape, seed: 1)
        let trainer = try setup.trainer(images: 9, start: start)
        _ = try trainer.run { _, _ in }
        let state = trainer.network.state()
        let fresh = try setup.trainer(images: 9, start: state)
        let again = try trainer.run { _, _ in }
        #expect(try fresh.run { _, _ in } == again)
        expectSame(fresh.network.state(), trainer.network.state())
    }

    @Test func `A snapshot of another network is refused by name, and changes nothing`() throws {
        func snapshot(_ architecture: Architecture, classes: Int, imageSize: Int) throws -> NetworkSnapshot {
            let shape = try NetworkShape(architecture: architecture, classes: classes, channels: 3, imageSize: imageSize)
            return Network(shape: shape, maximumBatch: 1).snapshot
        }
        let setup = Case(.resnet18, imageSize: 16, .constant, nesterov: false)
        let trainer = try setup.trainer(images: 9, start: PyTorchParityTests.start(setup.shape, seed: 1))
        var checkpoint: TrainingCheckpoint?
        _ = try trainer.run { checkpoint = $1() }
        let before = trainer.network.snapshot
        var foreign = try #require(checkpoint)
        foreign.network = try snapshot(.resnet18, classes: 100, imageSize: 16)
        #expect {
            _ = try trainer.run(from: foreign) { _, _ in }
        } throws: { error in
            guard case .wrongShape("values", let actual, let expected) = error as? NetworkError else { return false }
            return actual[0] - expected[0] == (100 - 3) * 512 + 112 - 16
        }
        // The same parameters, but fewer of them dead on larger images; and one without any buffers.
        for other in [try snapshot(.resnet18, classes: 3, imageSize: 64), try snapshot(.lenet, classes: 3, imageSize: 16)] {
            #expect(throws: NetworkError.self) { try trainer.network.restore(other) }
        }
        for part in [\NetworkSnapshot.values, \.momentum, \.dormant, \.dormantMeans, \.buffers] {
            var broken = before
            broken[keyPath: part].append(0)
            #expect(throws: NetworkError.self) { try trainer.network.restore(broken) }
        }
        var broken = before
        broken.batchCounts.removeLast()
        #expect(throws: NetworkError.wrongShape(name: "batch_counts", actual: [19], expected: [20])) {
            try trainer.network.restore(broken)
        }
        expectSame(trainer.network.snapshot, before)
    }
}
