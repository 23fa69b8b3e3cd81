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

    @Test func `a study survives its JSON with its identity`() throws {
        let study = try example { $0.profile = "published-code" }
        let decoded = try JSONDecoder().decode(Study.self, from: JSONEncoder().encode(study))
        #expect(decoded == study)
        #expect(decoded.digest == study.digest)
    }
}
