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
            let data = try CIFAR100Folder(path: folder)
            let report = Report(
                path: data.path, digest: data.digest().hex, trainingImages: data.count(of: .training),
                testImages: data.count(of: .test), superclasses: data.fineLabels.count { !$0.isEmpty },
                classes: data.fineLabels.reduce(0) { $0 + $1.count })
            switch output.outputMode {
            case .json:
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                print(String(decoding: try encoder.encode(report), as: UTF8.self))
            case .cli:
                print("\(report.path): \(report.trainingImages) training and \(report.testImages) test images, \(report.classes) classes in \(report.superclasses) superclasses")
                print("digest \(report.digest)")
            case .quiet:
                break
            }
        }

        private struct Report: Codable {
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
        }
    }

    struct Synthesize: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the embedded synthetic image set: CIFAR-100's layout, 20 superclasses of 5 classes, from a seed.")

        @Option(name: .shortAndLong, help: ArgumentHelp("The folder to make.", valueName: "dir"))
        var output: String

        @Option(help: "Decides every pixel.")
        var seed: UInt64 = 1

        @Option(help: "Training images a class (CIFAR-100 has 500).")
        var trainingPerClass = 100

        @Option(help: "Test images a class (CIFAR-100 has 100).")
        var testPerClass = 50

        func run() throws {
            try SyntheticImages.write(to: output, seed: seed, trainingPerClass: trainingPerClass, testPerClass: testPerClass)
            let data = try CIFAR100Folder(path: output)
            print("\(data.path): \(data.count(of: .training)) training and \(data.count(of: .test)) test images")
            print("digest \(data.digest().hex)")
        }
    }
}
