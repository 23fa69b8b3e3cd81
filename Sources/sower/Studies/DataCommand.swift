import ArgumentParser
import Datasets
import Foundation

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Download, make and check data sets.", subcommands: [Fetch.self, Check.self, Synthesize.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Check a data set's folder and print its digest.",
            discussion:
                "CIFAR-100's binary files, or Tiny ImageNet as it is published; its images are decoded once for this host, and read again here."
        )

        @Argument(help: "The folder with train.bin and test.bin, or with wnids.txt, train and val.")
        var folder: String

        @OptionGroup var output: OutputOptions

        func run() throws {
            let data = try DataCheck.run(folder) { if output.outputMode == .cli { printToError($0) } }
            try DataReport(data, folder: folder).show(output.outputMode)
        }
    }

    struct Synthesize: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "synthesize",
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
            try DataReport(CIFAR100Folder(path: output), folder: output).show(mode.outputMode)
        }
    }
}

/// Opens a data set and compares everything that can be compared.
enum DataCheck {
    static func run(_ folder: String, tell: (String) -> Void) throws -> any ImageDataset {
        let data = try DatasetFolder.open(folder, tell: tell)
        guard let images = data as? DecodedImages, try !TinyImageNet.isCurrent(images, of: folder) else { return data }
        // Same names, sizes and times, other bytes: the times lie, or the disk does.
        tell("the files of \(folder) are not those that were decoded for this host, although their sizes and times are")
        try images.discard()
        return try DatasetFolder.open(folder, tell: tell)
    }
}

/// What a data set holds.
struct DataReport: Codable {
    var version = 1
    var kind = "data"
    var path: String
    var digest: String
    /// The file of decoded images, where the folder holds others.
    var decoded: String?
    var imageSize: Int
    var trainingImages: Int
    var testImages: Int
    var superclasses: Int
    var classes: Int

    enum CodingKeys: String, CodingKey {
        case version, kind, path, digest, decoded, superclasses, classes
        case imageSize = "image_size"
        case trainingImages = "training_images"
        case testImages = "test_images"
    }

    init(_ data: any ImageDataset, folder: String) {
        path = folder
        digest = data.digest().hex
        imageSize = data.imageSize
        trainingImages = data.images(of: .training).count
        testImages = data.images(of: .test).count
        superclasses = (0..<CIFAR100Folder.superclassLimit).count { !data.labels(ofSuperclass: $0).isEmpty }
        classes = data.labels.count
        if data.path != folder { decoded = data.files.first?.path }
    }

    func show(_ mode: OutputMode) throws {
        switch mode {
        case .json:
            print(try JSONOutput.text(self))
        case .cli:
            let groups = superclasses == 0 ? "" : " in \(superclasses) superclasses"
            print(
                "\(path): \(trainingImages) training and \(testImages) test images of \(imageSize)×\(imageSize) pixels, \(classes) classes\(groups)"
            )
            if let decoded { print("decoded in \(decoded)") }
            print("digest \(digest)")
        case .quiet:
            break
        }
    }
}
