import Digests

import Studies

/// A file that validates: small, with one arm of every method.
func exampleFile() -> StudyFile {
    var file = StudyFile()
    file.name = "example"
    var data = StudyFile.DataSection()
    data.format = "cifar100"
    data.path = "data"
    file.data = data
    func arm(_ method: String, _ set: (inout StudyFile.ArmEntry) -> Void = { _ in }) -> StudyFile.ArmEntry {
        var arm = StudyFile.ArmEntry(path: "arms.\(method)")
        arm.method = method
        set(&arm)
        return arm
    }
    file.arms = [
        arm("random"), arm("pretrained"), arm("gabor") { $0.layers = 2 },
        arm("clustered") {
            ($0.distance, $0.models, $0.clusters, $0.layers) = ("fourier-real", 10, 3, 17)
        },
    ]
    return file
}

func example(_ change: (inout StudyFile) -> Void = { _ in }) throws -> Study {
    var file = exampleFile()
    change(&file)
    return try file.validate()
}

let exampleDataset = Digest(of: "a data set")

/// The messages of the problems that validation finds; empty for a valid file.
func problems(_ change: (inout StudyFile) -> Void) -> [StudyProblem] {
    var file = exampleFile()
    change(&file)
    do throws(InvalidStudy) {
        _ = try file.validate()
        return []
    } catch {
        return error.problems
    }
}
