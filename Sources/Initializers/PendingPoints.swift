/// Up to sixteen points, stored coordinate by coordinate, that are compared with all centres at once.
struct PendingPoints {
    static let capacity = 16

    private(set) var indices = SIMD16<Int32>()
    private(set) var count = 0
    private var coordinates: [SIMD16<Float>]

    init(dimension: Int) { coordinates = [SIMD16<Float>](repeating: SIMD16(), count: dimension) }

    var isEmpty: Bool { count == 0 }
    var isFull: Bool { count == PendingPoints.capacity }

    /// Adds point `index` of `points`, `[n][dimension]`.
    mutating func append(_ index: Int, _ points: UnsafeBufferPointer<Float>) {
        let dimension = coordinates.count, lane = count
        coordinates.withUnsafeMutableBytes { bytes in
            let floats = bytes.bindMemory(to: Float.self)
            for axis in 0..<dimension {
                floats[axis * PendingPoints.capacity + lane] = points[index * dimension + axis]
            }
        }
        indices[lane] = Int32(truncatingIfNeeded: index)
        count += 1
    }

    mutating func removeAll() { count = 0 }

    /// For each point the nearest of the centres, `[k][dimension]`, its squared distance and that of the second nearest.
    func nearestTwo(
        of centres: UnsafeBufferPointer<Float>
    ) -> (cluster: SIMD16<Int32>, nearest: SIMD16<Float>, second: SIMD16<Float>) {
        let dimension = coordinates.count
        var cluster = SIMD16<Int32>()
        var nearest = SIMD16<Float>(repeating: .infinity)
        var second = nearest
        coordinates.withUnsafeBufferPointer { coordinates in
            for candidate in 0..<centres.count / dimension {
                var distance = SIMD16<Float>()
                for axis in 0..<dimension {
                    let difference = coordinates[axis] - centres[candidate * dimension + axis]
                    distance += difference * difference
                }
                let closer = distance .< nearest
                second.replace(with: distance, where: distance .< second)
                second.replace(with: nearest, where: closer)
                nearest.replace(with: distance, where: closer)
                cluster.replace(with: Int32(truncatingIfNeeded: candidate), where: closer)
            }
        }
        return (cluster, nearest, second)
    }
}
