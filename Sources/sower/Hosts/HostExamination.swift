import Datasets
import Digests
import Foundation
import Jobs
import Launchers
import Tensors
import Transport

/// A look at this host: what a worker here would find.
enum HostExamination {
    /// - Parameter tell: is told what is looked at, before what may take long.
    static func facts(_ examination: Examination, tell: (HostReport.Look) -> Void = { _ in }) -> HostFindings {
        let features = CPUFeatures.current
        let store = examination.store.map(HomeFolder.expanding) ?? FileManager.default.temporaryDirectory.path
        var dataDigest: String?
        var dataProblem: String?
        if !examination.dataPaths.isEmpty {
            tell(.data)
            do throws(DatasetError) {
                var digests: [Digest] = []
                for path in examination.dataPaths { digests.append(try DatasetFolder.open(HomeFolder.expanding(path)) { _ in }.digest()) }
                dataDigest = DatasetFolder.digest(of: digests).hex
            } catch {
                dataProblem = error.errorDescription ?? "\(error)"
            }
        }
        var study: StudyFindings?
        if let needs = examination.study {
            tell(.data)
            study = needs.found(store: examination.store == nil ? WorkerCommand.standardStore : store)
        }
        tell(.network)
        let ports = [examination.coordinatorPort, examination.coordinatorPort + 1]
        return HostFindings(
            hostName: ProcessInfo.processInfo.hostName, cores: ProcessInfo.processInfo.activeProcessorCount,
            numericClass: NumericClass.current,
            cpu: "\(features.vendor) family \(features.family) model \(features.model)\(features.hasAVX512 ? ", AVX-512" : "")",
            blasCore: (try? BLAS.load()) == nil ? "missing" : BLAS.coreName,
            clock: Date().timeIntervalSince1970, freeBytes: freeBytes(at: store), freeWhere: store, fileDescriptors: fileDescriptors,
            unreachable: ports.compactMap { port in
                TCPProbe.problem(connectingTo: examination.coordinatorHost, port: port, seconds: 1.5).map {
                    "\(examination.coordinatorHost):\(port): \($0)"
                }
            }, dataDigest: dataDigest, dataProblem: dataProblem, study: study)
    }

    /// Of the file system on which the path is, or the nearest folder above it that is there.
    static func freeBytes(at path: String) -> Int {
        var url = URL(fileURLWithPath: path)
        var status = statvfs()
        while statvfs(url.path, &status) != 0 {
            guard url.path != "/" else { return 0 }
            url.deleteLastPathComponent()
        }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }

    static var fileDescriptors: Int {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? Int(clamping: limit.rlim_cur) : 0
    }
}

/// Listens on ports for as long as it lives, so that others can try to reach them.
final class PortsOpened {
    private var descriptors: [Int32] = []
    /// Ports that could not be opened, with the reason; one in use has a listener already.
    private(set) var problems: [(port: Int, reason: String)] = []

    init(_ ports: [Int]) {
        for port in ports {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var yes: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(UInt16(port).bigEndian)
            let isBound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            if isBound, listen(descriptor, 128) == 0 {
                descriptors.append(descriptor)
            } else {
                if errno != EADDRINUSE { problems.append((port, String(cString: strerror(errno)))) }
                close(descriptor)
            }
        }
    }

    deinit { descriptors.forEach { close($0) } }
}
