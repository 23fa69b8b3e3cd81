import Foundation

/// Why first weights could not be computed.
package enum InitializerError: Error, Equatable, LocalizedError {
    case noPoints
    case notFinite(point: Int, coordinate: Int)
    case clusterCount(actual: Int, limit: Int)
    case wrongShape(what: String, actual: [Int], expected: String)
    case emptyCodebook
    case unknownCentre(index: Int, centres: Int)

    package var errorDescription: String? {
        switch self {
        case .noPoints:
            "There is nothing to cluster: 0 points, expected at least 1"
        case .notFinite(let point, let coordinate):
            "Coordinate \(coordinate) of point \(point) is infinite or not a number"
        case .clusterCount(let actual, let limit):
            "\(actual) clusters were asked for, expected 1 to \(limit)"
        case .wrongShape(let what, let actual, let expected):
            "\(what) has shape \(actual), expected \(expected)"
        case .emptyCodebook:
            "The codebook has no centre with a member, so nothing can be drawn from it"
        case .unknownCentre(let index, let centres):
            "Kernel assignment \(index) names no centre, expected 0 to \(centres - 1)"
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .noPoints, .emptyCodebook:
            "Choose at least one source model in the study file."
        case .notFinite:
            "A source model diverged: lower its learning rate, or leave it out of the source set."
        case .clusterCount(_, let limit):
            "Set clusters to 1…\(limit) in the study file."
        case .wrongShape:
            "Use a codebook and a network of the same kernel size."
        case .unknownCentre:
            "Use the codebook the assignments were drawn from."
        }
    }
}
