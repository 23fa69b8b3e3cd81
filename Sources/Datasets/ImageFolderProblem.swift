/// What is wrong with a folder of image files, or with the file of its decoded images.
package enum ImageFolderProblem: Error, Equatable, Sendable {
    /// None of the known layouts.
    case unknownLayout(folder: String)
    case empty(String)
    /// A file or folder that the layout has.
    case missing(String)
    case malformed(file: String, line: Int, expected: String, found: String)
    case twice(file: String, name: String)
    /// Something is there that the list does not know.
    case unlisted(path: String, list: String)
    case tooMany(folder: String, limit: Int)
    case undecodable(file: String, reason: String)
    /// The file of decoded images is not what it was when it was written.
    case damaged(file: String, reason: String)
    /// Its files were changed while they were decoded.
    case changing(folder: String)

    var description: String {
        switch self {
        case .unknownLayout(let folder):
            "\(folder) holds no data set that Sower reads: neither train.bin and test.bin (CIFAR-100) nor wnids.txt (Tiny ImageNet)"
        case .empty(let path): "\(path) is empty"
        case .missing(let path): "there is no \(path), which Tiny ImageNet has"
        case .malformed(let file, let line, let expected, let found): "\(file), line \(line): \"\(found)\", expected \(expected)"
        case .twice(let file, let name): "\(file) names \(name) twice"
        case .unlisted(let path, let list): "\(path) is there, but \(list) does not name it"
        case .tooMany(let folder, let limit): "\(folder) has more than the \(limit) entries a data set may have"
        case .undecodable(let file, let reason): "\(file) is no image of this data set: \(reason)"
        case .damaged(let file, let reason): "\(file) is damaged: \(reason)"
        case .changing(let folder): "the files of \(folder) were changed while they were read"
        }
    }

    var suggestion: String {
        let fetch = "sower data fetch tiny-imagenet --to FOLDER"
        switch self {
        case .unknownLayout(let folder): return "Is it another folder? ls \(folder)   To download one: sower data fetch"
        case .damaged(let file, _): return "Remove it, and it is made again where the images are: rm \(file)"
        case .changing: return "Wait until they are all there, then try again."
        case .undecodable(let file, _): return "Restore it (ls -l \(file)), or download the data set again: \(fetch)"
        case .empty, .missing, .malformed, .twice, .unlisted, .tooMany:
            return "Unpack the original archive into a new folder, or download it: \(fetch)"
        }
    }
}
