import Studies
import Testing

@Suite struct EpochListTests {
    private func metrics(_ epoch: Int) -> EpochMetrics {
        EpochMetrics(
            epoch: epoch, learningRate: 0.1, trainingLoss: 1, trainingAccuracy: 2, trainingTop5Accuracy: 3, validationLoss: 4,
            validationAccuracy: 5, validationTop5Accuracy: 6, images: 7, seconds: 8)
    }

    @Test func `it is the array it was made of`() {
        for count in 0...4 {
            let array = (0..<count).map { metrics($0 + 1) }
            let list = EpochList(array)
            #expect(Array(list) == array && list.count == count && list.last == array.last && list.isEmpty == array.isEmpty)
            #expect(list.map(\.epoch) == Array(0..<count).map { $0 + 1 } && Array(list.reversed()) == array.reversed())
        }
        let list: EpochList = [metrics(3), metrics(5)]
        #expect(list == EpochList([metrics(3), metrics(5)]) && list != [metrics(3)] && list != [metrics(4), metrics(5)])
    }

    @Test func `an epoch is found by its number`() {
        let list: EpochList = [metrics(1), metrics(2), metrics(5)]
        #expect([1, 2, 5].allSatisfy { list.epoch($0) == metrics($0) })
        #expect(list.epoch(3) == nil && EpochList().epoch(1) == nil)
    }
}
