/// What a study asks of a host, for a look at it.
package struct StudyNeeds: Codable, Sendable, Equatable {
    package struct File: Codable, Sendable, Equatable {
        package var name: String
        package var digest: String
        package var size: Int

        package init(name: String, digest: String, size: Int) {
            self.name = name
            self.digest = digest
            self.size = size
        }
    }

    /// The digest of the data.
    package var dataset: String
    /// Where the coordinator has them.
    package var dataPath: String
    /// By their names in the folder.
    package var dataFiles: [File]
    /// What trains in place of this program, a path or a name; `nil` for nothing.
    package var program: String?
    /// The trainer's files, by their paths.
    package var programFiles: [File]

    package init(dataset: String, dataPath: String, dataFiles: [File], program: String?, programFiles: [File]) {
        self.dataset = dataset
        self.dataPath = dataPath
        self.dataFiles = dataFiles
        self.program = program
        self.programFiles = programFiles
    }

    package var dataBytes: Int { dataFiles.reduce(0) { $0 + $1.size } }
}

/// What of it is there.
package struct StudyFindings: Codable, Sendable, Equatable {
    /// Whether the data lie where the coordinator has them.
    package var hasDataAtPath = false
    /// Whether an earlier sweep has sent them.
    package var hasDataFromEarlier = false
    /// `nil` when none is asked for.
    package var hasProgram: Bool?
    /// Paths of the trainer's files that are missing or others.
    package var wrongFiles: [String] = []

    package init() {}
}
