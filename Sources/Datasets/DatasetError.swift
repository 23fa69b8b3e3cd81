import Foundation

/// Why a data set could not be opened, selected from or written.
package enum DatasetError: Error, Equatable, LocalizedError {
    /// Where a record with a certain label stands: the file, the byte offset of the record and its two labels.
    package struct LabelledRecord: Sendable, Equatable, CustomStringConvertible {
        package var file: String
        package var byteOffset: Int
        package var coarse: Int

        package init(file: String, byteOffset: Int, coarse: Int) {
            self.file = file
            self.byteOffset = byteOffset
            self.coarse = coarse
        }

        package var description: String { "superclass \(coarse) in the record at byte \(byteOffset) of \(file)" }
    }

    case missingFolder(String)
    case missingFile(String)
    case unreadable(file: String, reason: String)
    case emptyFile(String)
    case partialRecord(file: String, bytes: Int, recordBytes: Int)
    case labelOutOfRange(file: String, byteOffset: Int, kind: LabelKind, actual: Int, limit: Int)
    case twoSuperclasses(fine: Int, first: LabelledRecord, second: LabelledRecord)
    case wrongNumberOfNames(file: String, actual: Int, expected: Int)
    case emptySelection(file: String, superclass: Int)
    case occupiedFolder(String)
    case invalidCounts(trainingPerClass: Int, testPerClass: Int)
    case unwritable(file: String, reason: String)
    case invalidImageSize(Int)
    case invalidRotation(degrees: Float)
    case invalidPadding(Int, imageSize: Int)
    case invalidMixup(alpha: Double)
    case inputMismatch(
        source: String, channels: Int, imageSize: Int, expectedChannels: Int, expectedImageSize: Int)

    /// A folder of image files, or the file of its decoded images.
    case imageFolder(ImageFolderProblem)

    /// Which of a record's two labels is meant.
    package enum LabelKind: String, Sendable { case coarse, fine }

    package var errorDescription: String? {
        switch self {
        case .missingFolder(let folder):
            "There is no folder \(folder)"
        case .missingFile(let file):
            "There is no file \(file)"
        case .unreadable(let file, let reason):
            "\(file) cannot be read: \(reason)"
        case .emptyFile(let file):
            "\(file) has 0 bytes, expected a positive multiple of \(CIFAR100Folder.recordBytes)"
        case .partialRecord(let file, let bytes, let recordBytes):
            """
            \(file) has \(bytes) bytes, expected a multiple of \(recordBytes): the record at byte \
            \(bytes / recordBytes * recordBytes) has \(bytes % recordBytes) of its \(recordBytes) bytes
            """
        case .labelOutOfRange(let file, let byteOffset, let kind, let actual, let limit):
            "\(file), byte \(byteOffset): the \(kind.rawValue) label is \(actual), expected 0 to \(limit - 1)"
        case .twoSuperclasses(let fine, let first, let second):
            "Fine label \(fine) belongs to \(first) and to \(second); expected one superclass for each fine label"
        case .wrongNumberOfNames(let file, let actual, let expected):
            "\(file) has \(actual) lines, expected \(expected), one name a label"
        case .emptySelection(let file, let superclass):
            "\(file) has no record of superclass \(superclass)"
        case .occupiedFolder(let folder):
            "\(folder) is not empty and does not hold the synthetic images asked for"
        case .invalidCounts(let trainingPerClass, let testPerClass):
            """
            \(trainingPerClass) training and \(testPerClass) test images a class were asked for, expected 1 to \
            \(SyntheticImages.maximumPerClass) of each
            """
        case .unwritable(let file, let reason):
            "\(file) cannot be written: \(reason)"
        case .invalidImageSize(let size):
            "Images of \(size)×\(size) pixels were asked for, expected a side of 1 to \(ImageAssembly.maximumImageSize)"
        case .invalidRotation(let degrees):
            "The augmentation rotates by up to \(degrees)°, expected 0° to 180°"
        case .invalidPadding(let padding, let imageSize):
            """
            The augmentation crops from images padded by \(padding) pixels, expected 0 to \(imageSize - 1) \
            for images of \(imageSize)×\(imageSize) pixels
            """
        case .invalidMixup(let alpha):
            "Mixup's alpha is \(alpha), expected \(Mixup.alphas.lowerBound) to \(Mixup.alphas.upperBound)"
        case .imageFolder(let problem):
            problem.description
        case .inputMismatch(let source, let channels, let imageSize, let expectedChannels, let expectedImageSize):
            """
            The images of \(source) have \(DatasetError.shape(channels, imageSize)), \
            the network takes \(DatasetError.shape(expectedChannels, expectedImageSize))
            """
        }
    }

    package var recoverySuggestion: String? {
        let download = "to download it anew: sower data fetch cifar100 --to DIR"
        switch self {
        case .missingFolder(let folder):
            return "Download the data set (sower data fetch cifar100 --to \(folder); or tiny-imagenet), "
                + "or write a synthetic one: sower data synthesize --output \(folder)"
        case .missingFile(let file):
            let folder = (file as NSString).deletingLastPathComponent
            return "See what is there with: sower data check \(folder); \(download),"
                + " or write a synthetic set elsewhere: sower data synthesize --output DIR"
        case .unreadable(let file, _):
            return "Make it a file this user can read: ls -l \(file)"
        case .emptyFile(let file), .partialRecord(let file, _, _):
            var remedy =
                "The copy was probably cut short: copy or unpack it again (\(download)), then: "
                + "sower data check \((file as NSString).deletingLastPathComponent)"
            if case .partialRecord(_, let bytes, _) = self, bytes % 3073 == 0 {
                remedy = "This is the size of a CIFAR-10 file, which has one label byte a record. \(remedy)"
            }
            return remedy
        case .labelOutOfRange(let file, _, _, _, _):
            return "The file is damaged or not CIFAR-100; \(download), then: "
                + "sower data check \((file as NSString).deletingLastPathComponent)"
        case .twoSuperclasses(_, let first, _):
            return "Training and test file must come from one data set: \(download), then: "
                + "sower data check \((first.file as NSString).deletingLastPathComponent)"
        case .wrongNumberOfNames(let file, _, _):
            return "Restore the file, or remove it: names are optional (rm \(file))"
        case .emptySelection(let file, _):
            return "Choose superclasses the data set has; list them with: "
                + "sower data check \((file as NSString).deletingLastPathComponent)"
        case .occupiedFolder(let folder):
            return "Choose a new folder, or remove this one first: rm -r \(folder)"
        case .invalidCounts:
            return "Ask for fewer or more images, for example: sower data synthesize --output DIR"
        case .unwritable(let file, _):
            return "Check the free space and the permissions: df -h \((file as NSString).deletingLastPathComponent)"
        case .invalidImageSize:
            return "Set the study's image size to that of the published recipe, such as 32 or 224"
        case .invalidRotation:
            return "Set the study's rotation in degrees, such as 15"
        case .invalidPadding(_, let imageSize):
            return "Set the study's crop padding below the image size, such as \(imageSize / 8)"
        case .invalidMixup:
            return "Set the study's mixup to a number such as 0.2, or leave it out"
        case .imageFolder(let problem):
            return problem.suggestion
        case .inputMismatch(_, let channels, let imageSize, let expectedChannels, _):
            return channels == expectedChannels
                ? "Set the model's image size to \(imageSize)"
                : "Choose a model that takes \(DatasetError.shape(channels, imageSize)), or data with "
                    + "\(DatasetError.channels(expectedChannels))"
        }
    }

    private static func channels(_ count: Int) -> String { count == 1 ? "1 channel" : "\(count) channels" }

    private static func shape(_ count: Int, _ imageSize: Int) -> String {
        "\(channels(count)) and \(imageSize)×\(imageSize) pixels"
    }
}
