import ArgumentParser
import Datasets
import Foundation

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Make and check data sets.", subcommands: [Check.self, Synthesize.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a folder in CIFAR-100's binary layout and print its digest.")

        @Argument(help: "The folder with train.bin and test.bin.")
        var folder: String

        @OptionGroup var output: OutputOptions

        func run() throws {
            try DataReport(CIFAR100Folder(path: folder)).show(output.outputMode)
        }
    }

    struct Synthesize: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the embedded synthetic image set: CIFAR-100's layout, 20 superclasses of 5 classes, from a seed.")

        @Option(name: .shortAndLong, help: ArgumentHelp("The folder to make.", valueName: "dir"))
        var output: String

        @OptionGroup var mode: OutputOptions

        @Option(help: "Decides every pixel.")
        var seed: UInt64 = 1

        @Option(help: "Training images a class (CIFAR-100 has 500).")
        var trainingPerClass = 100

        @Option(help: "Test images a class (CIFAR-100 has 100).")
        var testPerClass = 50

        func run() throws {
            try SyntheticImages.write(to: output, seed: seed, trainingPerClass: trainingPerClass, testPerClass: testPerClass)
            try DataReport(CIFAR100Folder(path: output)).show(mode.outputMode)
        }
    }
}

/// What a data set holds.
private struct DataReport: Codable {
    var version = 1
    var kind = "data"
    var path: String
    var digest: String
    var trainingImages: Int
    var testImages: Int
    var superclasses: Int
    var classes: Int

    enum CodingKeys: String, CodingKey {
        case version, kind, path, digest, superclasses, classes
        case trainingImages = "training_images"
        case testImages = "test_images"
    }

    init(_ data: CIFAR100Folder) {
        path = data.path
        digest = data.digest().hex
        trainingImages = data.count(of: .training)
        testImages = data.count(of: .test)
        superclasses = data.fineLabels.count { !$0.isEmpty }
        classes = data.fineLabels.reduce(0) { $0 + $1.count }
    }

    func show(_ mode: OutputMode) throws {
        switch mode {
        case .json:
            print(try JSONOutput.text(self))
        case .cli:
            print("\(path): \(trainingImages) training and \(testImages) test images, \(classes) classes in \(superclasses) superclasses")
            print("digest \(digest)")
        case .quiet:
            break
        }
    }
}
