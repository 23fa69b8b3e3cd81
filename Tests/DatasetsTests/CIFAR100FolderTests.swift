import Datasets
import Digests
import Foundation
import Testing

@Suite struct CIFAR100FolderTests {
    private func folder(
        train: [(UInt8, UInt8)] = [(3, 40), (0, 7), (3, 12)], test: [(UInt8, UInt8)] = [(3, 5), (19, 99)]
    ) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write(labels: train, as: "train.bin")
        try folder.write(labels: test, as: "test.bin")
        return folder
    }

    private func failure(_ path: String) -> DatasetError? {
        do throws(DatasetError) {
            _ = try CIFAR100Folder(path: path)
            return nil
        } catch { return error }
    }

    @Test func `a folder knows its records and which classes each superclass has in either split`() throws {
        let files = try folder()
        let data = try CIFAR100Folder(path: files.path)
        #expect(data.count(of: .training) == 3)
        #expect(data.count(of: .test) == 2)
        #expect(data.labels(of: .training, at: 0) == (3, 40))
        #expect(data.labels(of: .test, at: 1) == (19, 99))
        #expect(data.fineLabels.count == 20)
        #expect(data.fineLabels[3] == [5, 12, 40])
        #expect(data.fineLabels[0] == [7])
        #expect(data.fineLabels[19] == [99])
        #expect(data.fineLabels[1].isEmpty)
        #expect(data.coarseNames == nil)
        #expect(data.fineNames == nil)
    }

    @Test func `the digest is SHA-256 of tag, sizes and both files`() throws {
        let files = try folder()
        let train = try Data(contentsOf: URL(fileURLWithPath: files.file("train.bin")))
        let test = try Data(contentsOf: URL(fileURLWithPath: files.file("test.bin")))
        func size(_ data: Data) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: data.count >> (8 * $0)) } }
        let expected = Digest(of: Array("sower-cifar100-v1\n".utf8) + size(train) + size(test) + train + test)
        #expect(try CIFAR100Folder(path: files.path).digest() == expected)
    }

    @Test func `names are read, one a line, with or without a last newline`() throws {
        let files = try folder()
        let coarse = (0..<20).map { "group\($0)" }, fine = (0..<100).map { "class\($0)" }
        try files.write(Array(coarse.joined(separator: "\n").utf8), as: "coarse_label_names.txt")
        try files.write(Array((fine.joined(separator: "\r\n") + "\n\n").utf8), as: "fine_label_names.txt")
        let data = try CIFAR100Folder(path: files.path + "/")
        #expect(data.coarseNames == coarse)
        #expect(data.fineNames == fine)
    }

    @Test func `a missing folder or file is named`() throws {
        #expect(failure("/nonexistent/cifar") == .missingFolder("/nonexistent/cifar"))
        #expect(failure("/nonexistent/cifar")?.errorDescription == "There is no folder /nonexistent/cifar")
        let files = try folder()
        #expect(failure(files.file("train.bin")) == .missingFolder(files.file("train.bin")))
        try FileManager.default.removeItem(atPath: files.file("test.bin"))
        let error = try #require(failure(files.path))
        #expect(error == .missingFile(files.file("test.bin")))
        #expect(error.errorDescription == "There is no file \(files.file("test.bin"))")
        #expect(error.recoverySuggestion?.contains("sower data check \(files.path);") == true)
    }

    @Test func `a folder in place of a file is unreadable`() throws {
        let files = try folder()
        try FileManager.default.removeItem(atPath: files.file("test.bin"))
        try FileManager.default.createDirectory(atPath: files.file("test.bin"), withIntermediateDirectories: false)
        #expect(failure(files.path) == .unreadable(file: files.file("test.bin"), reason: "not a regular file"))
    }

    @Test func `an empty file is an error`() throws {
        let files = try folder()
        try files.write([], as: "train.bin")
        let error = try #require(failure(files.path))
        #expect(error.errorDescription == "\(files.file("train.bin")) has 0 bytes, expected a positive multiple of 3074")
    }

    @Test func `a file cut anywhere in a record is an error that names the record`() throws {
        let files = try folder()
        let whole = try [UInt8](Data(contentsOf: URL(fileURLWithPath: files.file("train.bin"))))
        for length in [1, 2, 3073, 3075, 6147, 3 * 3074 - 1] {
            try files.write(Array(whole.prefix(length)), as: "train.bin")
            #expect(failure(files.path) == .partialRecord(file: files.file("train.bin"), bytes: length, recordBytes: 3074))
        }
        let error = DatasetError.partialRecord(file: "d/train.bin", bytes: 6150, recordBytes: 3074)
        #expect(
            error.errorDescription
                == "d/train.bin has 6150 bytes, expected a multiple of 3074: the record at byte 6148 has 2 of its 3074 bytes")
        #expect(error.recoverySuggestion?.hasSuffix("sower data check d") == true)
        let ten = DatasetError.partialRecord(file: "d/train.bin", bytes: 6146, recordBytes: 3074)
        #expect(ten.recoverySuggestion?.contains("CIFAR-10 file") == true)
    }

    @Test func `a label out of range is named with its byte offset`() throws {
        let coarse = try folder(train: [(3, 40), (20, 7)])
        let first = try #require(failure(coarse.path))
        #expect(first.errorDescription == "\(coarse.file("train.bin")), byte 3074: the coarse label is 20, expected 0 to 19")
        let fine = try folder(test: [(3, 40), (0, 1), (1, 100)])
        let second = try #require(failure(fine.path))
        #expect(second.errorDescription == "\(fine.file("test.bin")), byte 6149: the fine label is 100, expected 0 to 99")
        #expect(second.recoverySuggestion?.contains("sower data check \(fine.path)") == true)
    }

    @Test func `a class under two superclasses is named with both records`() throws {
        let files = try folder(train: [(3, 40), (0, 7), (1, 8)], test: [(2, 6), (4, 7)])
        let error = try #require(failure(files.path))
        #expect(
            error.errorDescription == """
                Fine label 7 belongs to superclass 0 in the record at byte 3074 of \(files.file("train.bin")) and to \
                superclass 4 in the record at byte 3074 of \(files.file("test.bin")); expected one superclass for each fine label
                """)
    }

    @Test func `a list of names of the wrong length is an error`() throws {
        let files = try folder()
        try files.write(Array("a\nb\n".utf8), as: "coarse_label_names.txt")
        let error = try #require(failure(files.path))
        #expect(error.errorDescription == "\(files.file("coarse_label_names.txt")) has 2 lines, expected 20, one name a label")
        let remedy = "Restore the file, or remove it: names are optional (rm \(files.file("coarse_label_names.txt")))"
        #expect(error.recoverySuggestion == remedy)
        try FileManager.default.removeItem(atPath: files.file("coarse_label_names.txt"))
        try files.write([], as: "fine_label_names.txt")
        #expect(failure(files.path) == .wrongNumberOfNames(file: files.file("fine_label_names.txt"), actual: 0, expected: 100))
    }

    @Test(.enabled(if: realData("cifar100-sample") != nil))
    func `the sample of CIFAR-100 has the label pairs of its lists`() throws {
        let path = try #require(realData("cifar100-sample"))
        let data = try CIFAR100Folder(path: path)
        #expect(data.count(of: .training) == 486)
        #expect(data.count(of: .test) == 916)
        var pairs: [Int: Int] = [:]
        let list = try String(contentsOfFile: "\(path)/test_label_pairs.csv", encoding: .utf8)
        for line in list.split(whereSeparator: \.isNewline).dropFirst() {
            let numbers = line.split(separator: ",").compactMap { Int($0) }
            pairs[numbers[1]] = numbers[0]
        }
        #expect(pairs.count == 100)
        for index in 0..<data.count(of: .test) {
            let labels = data.labels(of: .test, at: index)
            #expect(pairs[labels.fine] == labels.coarse)
        }
        for superclass in 0..<20 {
            #expect(data.fineLabels[superclass] == pairs.filter { $0.value == superclass }.keys.sorted())
        }
    }

    @Test(.enabled(if: realData("natural100-small") != nil))
    func `the small natural images open with their names`() throws {
        let data = try CIFAR100Folder(path: try #require(realData("natural100-small")))
        #expect(data.count(of: .training) == 10_000)
        #expect(data.count(of: .test) == 5_000)
        #expect(data.fineLabels.allSatisfy { $0.count == 5 })
        #expect(data.coarseNames?.first == "amphibians_and_reptiles")
        #expect(data.fineNames?.count == 100)
    }
}
