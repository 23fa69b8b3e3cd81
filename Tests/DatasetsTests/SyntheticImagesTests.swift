import Datasets
import Foundation
import Testing

@Suite struct SyntheticImagesTests {
    @Test func `a synthetic set is a complete CIFAR-100 folder with equally many images a class`() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("made")
        #expect(try SyntheticImages.write(to: path, seed: 5, trainingPerClass: 3, testPerClass: 2) == .written)
        let data = try CIFAR100Folder(path: path)
        #expect(data.count(of: .training) == 300)
        #expect(data.count(of: .test) == 200)
        #expect(data.fineLabels.allSatisfy { $0.count == 5 })
        #expect(Set(try #require(data.coarseNames)).count == 20)
        #expect(Set(try #require(data.fineNames)).count == 100)
        for split in ImageSplit.allCases {
            var counts = [Int](repeating: 0, count: 100)
            for index in 0..<data.count(of: split) {
                let labels = data.labels(of: split, at: index)
                counts[labels.fine] += 1
                #expect(labels.coarse == SyntheticImages.superclass(of: labels.fine))
            }
            #expect(Set(counts) == [split == .training ? 3 : 2])
        }
        // Nothing is left beside it, and classes are mixed.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["made"])
        #expect(Set((0..<10).map { data.labels(of: .training, at: $0).fine }).count > 5)
    }

    @Test func `the same seed gives the same bytes everywhere, another seed others`() throws {
        let folder = try TemporaryFolder()
        func digest(_ name: String, seed: UInt64) throws -> String {
            try SyntheticImages.write(to: folder.file(name), seed: seed, trainingPerClass: 10, testPerClass: 3)
            return try CIFAR100Folder(path: folder.file(name)).digest().hex
        }
        // The bytes of version 1 of the drawing.
        #expect(try digest("a", seed: 7) == "8fd59d6096a003cfae917a14fdcd23fcefa98a826db038526fbdb4d907d6523b")
        #expect(try digest("b", seed: 8) != digest("a", seed: 7))
    }

    @Test func `an image does not depend on how many are made`() throws {
        let folder = try TemporaryFolder()
        func images(_ name: String, perClass: Int) throws -> Set<Data> {
            try SyntheticImages.write(to: folder.file(name), seed: 1, trainingPerClass: perClass, testPerClass: 1)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.file(name) + "/train.bin"))
            return Set((0..<bytes.count / 3074).map { bytes.subdata(in: $0 * 3074..<($0 + 1) * 3074) })
        }
        let few = try images("few", perClass: 1)
        #expect(few.count == 100)
        #expect(try few.isSubset(of: images("more", perClass: 2)))
    }

    @Test func `the same set again is left as it is and anything else in the folder is kept`() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("made")
        // An empty folder is filled.
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(try SyntheticImages.write(to: path, seed: 1, trainingPerClass: 1, testPerClass: 1) == .written)
        #expect(try SyntheticImages.write(to: path, seed: 1, trainingPerClass: 1, testPerClass: 1) == .alreadyThere)
        for (seed, training, test) in [(2, 1, 1), (1, 2, 1), (1, 1, 2)] as [(UInt64, Int, Int)] {
            #expect(throws: DatasetError.occupiedFolder(path)) {
                try SyntheticImages.write(to: path, seed: seed, trainingPerClass: training, testPerClass: test)
            }
        }
        try FileManager.default.removeItem(atPath: "\(path)/train.bin")
        let error = #expect(throws: DatasetError.self) {
            try SyntheticImages.write(to: path, seed: 1, trainingPerClass: 1, testPerClass: 1)
        }
        #expect(error?.errorDescription == "\(path) is not empty and does not hold the synthetic images asked for")
        #expect(error?.recoverySuggestion == "Choose a new folder, or remove this one first: rm -r \(path)")
        #expect(FileManager.default.fileExists(atPath: "\(path)/test.bin"))
    }

    @Test func `impossible counts and places are errors`() throws {
        let folder = try TemporaryFolder()
        for (training, test) in [(0, 1), (1, 0), (10_001, 1), (1, -3)] {
            #expect(throws: DatasetError.invalidCounts(trainingPerClass: training, testPerClass: test)) {
                try SyntheticImages.write(to: folder.file("x"), seed: 1, trainingPerClass: training, testPerClass: test)
            }
        }
        try folder.write([1], as: "file")
        #expect(throws: DatasetError.occupiedFolder(folder.file("file"))) {
            try SyntheticImages.write(to: folder.file("file"), seed: 1, trainingPerClass: 1, testPerClass: 1)
        }
        let error = #expect(throws: DatasetError.self) {
            try SyntheticImages.write(to: folder.file("file/below"), seed: 1, trainingPerClass: 1, testPerClass: 1)
        }
        #expect(error?.errorDescription?.contains("cannot be written") == true)
    }
}
