import Datasets
import Testing

@Suite struct DatasetErrorTests {
    @Test func `every error says what is wrong and what to do next`() {
        let record = DatasetError.LabelledRecord(file: "d/train.bin", byteOffset: 0, coarse: 1)
        let errors: [DatasetError] = [
            .missingFolder("d"), .missingFile("d/train.bin"), .unreadable(file: "d/train.bin", reason: "no"),
            .emptyFile("d/train.bin"),
            .partialRecord(file: "d/train.bin", bytes: 1, recordBytes: 3074),
            .labelOutOfRange(file: "d/train.bin", byteOffset: 1, kind: .fine, actual: 200, limit: 100),
            .twoSuperclasses(fine: 1, first: record, second: record), .wrongNumberOfNames(file: "d/x", actual: 1, expected: 20),
            .emptySelection(file: "d/train.bin", superclass: 2), .occupiedFolder("d"),
            .invalidCounts(trainingPerClass: 0, testPerClass: 0), .unwritable(file: "d/x", reason: "full"),
            .invalidImageSize(0), .invalidRotation(degrees: -1), .invalidPadding(32, imageSize: 32), .invalidMixup(alpha: 0),
            .inputMismatch(source: "d/train.bin", channels: 3, imageSize: 32, expectedChannels: 1, expectedImageSize: 28),
        ]
        for error in errors {
            #expect(error.errorDescription?.isEmpty == false)
            #expect(error.recoverySuggestion?.isEmpty == false)
        }
        #expect(errors[0].recoverySuggestion?.hasSuffix("sower data synthesize --output d") == true)
    }
}
