import Foundation
import Testing

import Studies

struct PredictionSettingTests {
    @Test func `kept predictions make other evaluations, and nothing else`() throws {
        let plain = try example()
        let keeping = try example { $0.evaluation.keepPredictions = true }
        let (before, after) = (plain.expand(dataset: exampleDataset), keeping.expand(dataset: exampleDataset))
        for stage in Stage.allCases {
            let (old, new) = (before.jobs.filter { $0.stage == stage }.map(\.id), after.jobs.filter { $0.stage == stage }.map(\.id))
            #expect(old.count == new.count)
            #expect(stage == .evaluate ? Set(old).isDisjoint(with: new) : old == new, "\(stage)")
        }
        for job in after.jobs where job.stage == .evaluate {
            #expect(String(decoding: job.spec.canonicalJSON, as: UTF8.self).contains("\"keepsPredictions\":true"))
            #expect(try JSONDecoder().decode(JobSpec.self, from: Data(job.spec.canonicalJSON)) == job.spec)
        }
        #expect(plain.digest != keeping.digest)
    }

    @Test func `what is off is not written`() throws {
        let off = try example { $0.evaluation.keepPredictions = false }
        let plain = try example()
        #expect(off.digest == plain.digest && off.expand(dataset: exampleDataset) == plain.expand(dataset: exampleDataset))
        let json = try JSONEncoder().encode(off)
        #expect(!String(decoding: json, as: UTF8.self).contains("keepsPredictions"))
    }

    @Test func `an external trainer has no predictions to keep`() {
        let found = problems {
            $0.evaluation.keepPredictions = true
            var trainer = StudyFile.TrainerSection()
            trainer.command = ["python3", "train.py"]
            $0.trainer = trainer
        }
        #expect(found.map(\.path) == ["evaluation.keep_predictions"])
    }
}
