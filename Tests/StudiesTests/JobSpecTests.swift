import Foundation
import Testing

import Studies

struct JobSpecTests {
    @Test func `every job of a study survives its JSON with its identity`() throws {
        let plan = try example { $0.profile = "published-code" }.expand(dataset: exampleDataset)
        for job in plan.jobs {
            let decoded = try JSONDecoder().decode(JobSpec.self, from: Data(job.spec.canonicalJSON))
            #expect(decoded == job.spec)
            #expect(decoded.id == job.id)
        }
    }

    /// Recorded from the build before recipes had Nesterov momentum, mixup and more schedules: results in old ledgers and
    /// stores stand only as long as these hold.
    @Test(
        arguments: [
            (
                "paper",
                [
                    "pretrain 0-1": "232b52f8be414dac32e19e0e7edb7bb31744f228b1dea935761dc8589e472a37",
                    "cluster fourier-real k=3 models=10 layers=17 replicate 1":
                        "a8c2048071b8d9439efe1a33732e5207748674c5058c456088f50f3ec1e4dfbd",
                    "sample fourier-real k=3 models=10 layers=17 replicate 1":
                        "d72911a1ae2c79b28c2b1472749a7bb04c1689ac23302e5e764c980ff9ef22f7",
                    "evaluate random 10-11 replicate 1": "85fd4c3ab8d97fffe048c756133626714e6b579425fb5735353bcacae860a6d9",
                    "evaluate pretrained 10-11 replicate 1": "73f3e565388a7880e5888d4079cb446f6bed525e6fcf36f5b0f07bec4a1a9f71",
                    "evaluate gabor-2 10-11 replicate 1": "6ed2a03af63ae0b58a01dc32bfd0c13285be084a7aa3bdd1cecda8c54938a61b",
                    "evaluate clustered 10-11 replicate 1": "f4bf982bcc37a37302bf26b288f1b1d2d1c5774d947d5f919469e173a2a85682",
                ]
            ),
            (
                "published-code",
                [
                    "pretrain 0-1": "0ba0d8b8bec50bec703d8baa581b65d5d5715ea0c94fdd5902fd1955bc276860",
                    "evaluate random 10-11 replicate 1": "d2593609d55b49568d00367397908df7788462e72c0ba05471a01b939f876a5d",
                    "evaluate pretrained 10-11 replicate 1": "a63300b2757d433cce577dae1c5e90cbcf544910bfb52f9b212f8a220c6e97a2",
                    "evaluate gabor-2 10-11 replicate 1": "cae4ab7edf30e33c6496fff1a1d3065a67832ac0f65298b77f3b56cedfc22e24",
                    "evaluate clustered 10-11 replicate 1": "b689a66b5d88c4176808e42928c000635c3f041c169c4da43345b3d957cc4df9",
                ]
            ),
        ])
    func `a study without new settings has the job ids it always had`(profile: String, ids: [String: String]) throws {
        let plan = try example { $0.profile = profile }.expand(dataset: exampleDataset)
        for (label, id) in ids { #expect(plan.jobs.first { $0.label == label }?.id.description == id, "\(label)") }
    }

    @Test func `a study survives its JSON with its identity`() throws {
        let study = try example { $0.profile = "published-code" }
        let decoded = try JSONDecoder().decode(Study.self, from: JSONEncoder().encode(study))
        #expect(decoded == study)
        #expect(decoded.digest == study.digest)
    }
}
