import Networks
import Testing

@Suite struct ScheduleTests {
    /// The learning rate of each epoch, given what each epoch measured.
    private func rates(
        _ schedule: LearningRateSchedule, start: Double = 0.01, losses: [Double]? = nil, accuracies: [Double]? = nil
    ) -> [Double] {
        var scheduler = LearningRateScheduler(schedule, learningRate: start)
        return (0..<(losses ?? accuracies!).count).map { epoch in
            let rate = scheduler.learningRate
            scheduler.finishEpoch(trainingLoss: losses?[epoch] ?? 0, validationAccuracy: accuracies?[epoch] ?? 0)
            return rate
        }
    }

    private func near(_ a: [Double], _ b: [Double]) -> Bool { zip(a, b).allSatisfy { abs($0 - $1) < 1e-15 } }

    /// The learning rates printed with the published curves: 0.01 for epochs 1–7, 0.002 for 8–13, 0.0004 from 14.
    @Test func `Published code: a falling loss watched for its maximum lowers the rate on a clock`() {
        let losses = (0..<15).map { 1.8 / Double($0 + 1) }
        let evaluation = rates(
            .reduceOnPlateau(watch: .trainingLoss, mode: .max, factor: 0.2, patience: 5), losses: losses)
        let expected = [Double](repeating: 0.01, count: 7) + [Double](repeating: 0.002, count: 6) + [0.0004, 0.0004]
        #expect(near(evaluation, expected))
        let pretraining = rates(
            .reduceOnPlateau(watch: .trainingLoss, mode: .max, factor: 0.5, patience: 5), losses: losses)
        #expect(near(pretraining, expected.map { [0.01: 0.01, 0.002: 0.005, 0.0004: 0.0025][$0]! }))
    }

    @Test func `Paper: the rate halves when validation accuracy has not risen for more than five epochs`() {
        let schedule = LearningRateSchedule.reduceOnPlateau(
            watch: .validationAccuracy, mode: .max, factor: 0.5, patience: 5)
        #expect(near(rates(schedule, accuracies: [10, 20, 30, 40, 50, 60, 70, 80]), .init(repeating: 0.01, count: 8)))
        // Best at epoch 2; epochs 3–8 do not beat it.
        #expect(near(rates(schedule, accuracies: [10, 50, 49, 48, 50, 50, 50, 50, 60]), .init(repeating: 0.01, count: 8) + [0.005]))
        // A rise within the relative threshold of 1e-4 is none; one beyond it is.
        #expect(rates(schedule, accuracies: [50, 50.004, 50.004, 50.004, 50.004, 50.004, 50.004, 0]).last == 0.005)
        #expect(rates(schedule, accuracies: [50, 50.006, 50.006, 50.006, 50.006, 50.006, 50.006, 0]).last == 0.01)
    }

    /// Sequence and rates of torch.optim.lr_scheduler.ReduceLROnPlateau, from scripts/reference/schedules.py.
    @Test func `Both modes are torch's ReduceLROnPlateau`() throws {
        for sequence in try ReferenceSchedules.load().sequences {
            let schedule = LearningRateSchedule.reduceOnPlateau(
                watch: .trainingLoss, mode: sequence.mode == "max" ? .max : .min, factor: sequence.factor,
                patience: sequence.patience)
            #expect(near(rates(schedule, start: 0.1, losses: sequence.values), sequence.rates))
        }
    }

    /// torch.optim.lr_scheduler.StepLR and CosineAnnealingLR, from the same script.
    @Test func `Steps and cosines are torch's`() throws {
        let reference = try ReferenceSchedules.load()
        #expect(reference.step.count + reference.cosine.count >= 3)
        for fixed in reference.step {
            let schedule = LearningRateSchedule.step(every: try #require(fixed.step_size), factor: try #require(fixed.gamma))
            #expect(near(rates(schedule, start: fixed.base, losses: fixed.rates), fixed.rates))
        }
        for fixed in reference.cosine {
            let schedule = LearningRateSchedule.cosine(epochs: fixed.rates.count)
            #expect(near(rates(schedule, start: fixed.base, losses: fixed.rates), fixed.rates))
        }
    }

    @Test func `A constant schedule is constant`() {
        #expect(rates(.constant, losses: [1, 2, 3]) == [0.01, 0.01, 0.01])
    }
}
